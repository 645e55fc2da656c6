import { randomBytes } from 'node:crypto'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { Flags } from '../../shared/settings.ts'
import { parseDuration } from '../../shared/time.ts'
import { Client } from '../client.ts'
import type { CommandSpec } from '../command.ts'
import { askOnly, bundleFolder, clientConfig } from '../config.ts'
import { FILTER_FLAGS, GREP_FLAG, LEVEL_FLAG, PRINT_FLAGS } from '../flags.ts'
import { splitOperands } from '../operands.ts'
import { say } from '../output/say.ts'
import { ask } from '../print.ts'
import { type Question, readQuestion } from '../question.ts'
import { retimer, sendable } from '../replay/sendable.ts'
import { clockUntil, type Pace, parseSpeed, replay, type TimedLine, timedLines } from '../replay.ts'
import { ARCHIVE } from '../save.ts'
import { serve } from '../serve.ts'
import { SERVER_FLAGS } from '../service-flags.ts'
import { openOutput } from '../show.ts'
import { onBundle } from './serve.ts'
import { checkTerminal, showUi } from './ui.ts'

const EXAMPLES = `
Shows the lines of an incident as they came in then: with the pauses that were between
them, --speed times as fast. --ui shows them on the whole terminal, where one can stop,
search and scroll in what came until then. --to sends them to whatever takes the Fluentd
forward protocol: to a server as an agent does, with all labels, so that lines with their
original time that it has already are not doubled; to others with the labels as fields.

Examples:
  swarmlogs replay incident.slog --speed 10x
  swarmlogs replay incident.slog web 'level>=warn' --from 2026-11-21T10:02 --speed 60x
  swarmlogs replay incident.slog --max-pause 2s -t      no silence over two seconds
  swarmlogs replay incident.slog --ui --speed 10x
  swarmlogs replay incident.slog --to forward://test:24224 --shared-key-file key --retime`

/** The command `replay`. */
export const replayLines: CommandSpec = {
  operand: { form: '<FILE> [TARGET|QUERY...]', text: 'the bundle; services and tasks, and what their lines must have' },
  flags: [
    { flags: '--speed <FACTOR>', text: 'so many times as fast: 10x, 0.5x, or max', default: '1x' },
    { flags: '--from <TIME>', text: 'begin here (10m: ten minutes before the end of the bundle)' },
    { flags: '--until <TIME>', text: 'end here' },
    { flags: '--max-pause <DURATION>', text: 'no pause is longer than that, at whatever speed', default: '10s' },
    { flags: '--ui', text: 'show them on the whole terminal' },
    { flags: '--mouse', text: '--ui: the wheel scrolls, a click selects' },
    { flags: '--to <forward://HOST:PORT>', text: 'send them there' },
    { flags: '--retime', text: '--to: as if they were printed now (with --speed max: the bundle ends now)' },
    ...SERVER_FLAGS.filter(({ flags }) => !flags.startsWith('--server ')).map((flag) => ({
      ...flag,
      text: `--to: ${flag.text}`,
    })),
    ...FILTER_FLAGS,
    GREP_FLAG,
    LEVEL_FLAG,
    ...PRINT_FLAGS,
  ],
  help: EXAMPLES,
  run,
}

/** What is replayed, and how fast. */
interface Play {
  readonly path: string
  readonly question: Question
  readonly pace: Pace
}

async function run([path = '', ...operands]: readonly string[], given: Flags): Promise<void> {
  const { from, ...rest } = given
  const { targets, ...query } = splitOperands(operands)
  const flags: Flags = { ...rest, ...query, ...(from !== undefined && { since: from }) }
  const question = readQuestion(flags, targets)
  const pace = {
    speed: parseSpeed(String(given.speed)),
    maxPauseMs: Number(parseDuration(String(given.maxPause)) / 1_000_000n),
  }
  if (flags.ui === true && flags.to !== undefined) throw usage('cannot replay into the UI and to a receiver: give one')
  if (flags.retime === true && flags.to === undefined)
    throw usage('cannot use --retime without --to: lines that are shown keep their time')
  const play = { path, question, pace }
  if (flags.to !== undefined) return send(play, flags)
  return flags.ui === true ? show(play, flags) : print(play, flags)
}

async function print({ path, question, pace }: Play, flags: Flags): Promise<void> {
  await onBundle(path, async () => {
    const output = await openOutput(flags, question, true)
    const client = new Client(clientConfig({}))
    const params = new URLSearchParams(question.params)
    params.set('timestamps', 'true')
    const response = await ask(client, 'text', params)
    const textOf = ({ time, text }: TimedLine) => (question.hasTime ? Buffer.concat([time, text]) : text)
    for await (const lines of replay(timedLines(client.body(response)), pace))
      for (const { item } of lines) await output.printer.print(item.source, textOf(item))
    await output.close()
    return 0
  })
}

async function show(play: Play, flags: Flags): Promise<void> {
  checkTerminal()
  const { path } = play
  const [{ openStage }, { EVERYTHING }, { pino }] = await Promise.all([
    import('../../server/bundle/stage.ts'),
    import('../ui/scope.ts'),
    import('pino'),
  ])
  await onBundle(path, async ({ manifest }) => {
    const token = randomBytes(24).toString('base64url')
    const log = pino({ level: 'silent' })
    const stage = await openStage({ path, cacheDir: bundleFolder(), token, since: BigInt(manifest.since), log })
    const stop = new AbortController()
    const client = new Client(clientConfig({}))
    const feed = async (): Promise<void> => {
      await stage.followed(stop.signal)
      for await (const due of await played(client, play, stop.signal)) await stage.take(due.map(({ item }) => item))
    }
    const feeding = feed().catch((error: unknown) => {
      say(`error: ${error instanceof Error ? error.message : String(error)}`)
    })
    try {
      askOnly(stage.url, token)
      await showUi(new Client(clientConfig({})), { scope: EVERYTHING, at: undefined, look: {} }, flags, stage.nowMs)
    } finally {
      stop.abort()
      await feeding
      await stage.close()
    }
    return 0
  })
}

async function send(play: Play, flags: Flags): Promise<void> {
  const [{ sendLines }, { agentConfig }, { isForeign }] = await Promise.all([
    import('../../agent/replay.ts'),
    import('../../agent/config.ts'),
    import('../../server/bundle/replayed.ts'),
  ])
  const to = String(flags.to)
  const { server, sharedKeys } = agentConfig({ ...flags, server: to.replace(/^forward:\/\//, '') })
  await onBundle(play.path, async ({ manifest }) => {
    await serve('warn', async (log, signal) => {
      const items = await played(new Client(clientConfig({})), play, signal)
      const retime = flags.retime === true ? retimer(play.pace, BigInt(manifest.until)) : undefined
      const sent = await sendLines(sendable(items, isForeign, retime), { server, sharedKeys, log, signal })
      process.stdout.write(`${signal.aborted ? 'stopped: ' : ''}sent ${sent} lines to ${to}\n`)
    })
    return 0
  })
}

/** What the bundle has, when it is its turn; ends when the signal comes. */
async function played(client: Client, { question, pace }: Play, signal: AbortSignal) {
  const { readReplayed } = await import('../../server/bundle/replayed.ts')
  const linesFrom = async (cursor: string | null) => {
    const params = new URLSearchParams(question.params)
    if (cursor !== null) params.set('cursor', cursor)
    return client.body(await client.get('api/v1/search', { accept: ARCHIVE, params, signal }))
  }
  return untilStopped(replay(readReplayed(linesFrom), pace, clockUntil(signal)), signal)
}

async function* untilStopped<T>(items: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  try {
    for await (const item of items) {
      if (signal.aborted) return
      yield item
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

function usage(message: string): SwarmlogsError {
  return new SwarmlogsError('SWARMLOGS_USAGE', message)
}
