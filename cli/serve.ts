import type { Logger } from 'pino'
import { SwarmlogsError } from '../shared/errors.ts'
import { EXIT_INTERRUPTED, leaveInterrupts } from './output/reader.ts'

const EXIT_TERMINATED = 143

/** A long-running part of the program. */
export type Part = (log: Logger, signal: AbortSignal) => Promise<void>

/**
 * Runs a long-running part until it ends or SIGTERM or SIGINT asks it to stop; a second signal ends the process at once.
 * After SIGINT the exit code is 130, whoever started it by hand pressed Ctrl-C.
 * Logs go to stderr, as JSON, or pretty when a terminal shows them.
 */
export async function serve(level: string, part: Part): Promise<void> {
  const stop = new AbortController()
  const onSignal = (signal: NodeJS.Signals) => {
    if (stop.signal.aborted) process.exit(signal === 'SIGINT' ? EXIT_INTERRUPTED : EXIT_TERMINATED)
    if (signal === 'SIGINT') process.exitCode = EXIT_INTERRUPTED
    stop.abort()
  }
  // Whoever waited for the ready line may close the pipe after it.
  process.stdout.on('error', () => {})
  const takeInterrupts = leaveInterrupts()
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  try {
    await part(await makeLogger(level), stop.signal)
  } catch (error) {
    throw stop.signal.aborted ? brokenOff(error) : error
  } finally {
    process.off('SIGTERM', onSignal)
    process.off('SIGINT', onSignal)
    takeInterrupts()
  }
}

/** A request that the stop broke off is no fault of the server. */
function brokenOff(error: unknown): unknown {
  const isBroken =
    error instanceof SwarmlogsError
      ? error.code === 'SWARMLOGS_SERVER_UNAVAILABLE'
      : error instanceof Error && error.name === 'AbortError'
  if (!isBroken) return error
  return new SwarmlogsError('SWARMLOGS_STORE_UNAVAILABLE', 'cannot go on: it was stopped', { cause: error })
}

async function makeLogger(level: string): Promise<Logger> {
  const { pino } = await import('pino')
  if (!process.stderr.isTTY) return pino({ level }, pino.destination({ dest: 2, sync: true }))
  const { default: pretty } = await import('pino-pretty')
  return pino({ level }, pretty({ destination: 2, sync: true, ignore: 'pid,hostname' }))
}
