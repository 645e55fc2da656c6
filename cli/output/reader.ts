import { say } from './say.ts'

/** The exit code after Ctrl-C. */
export const EXIT_INTERRUPTED = 130

/**
 * Ends the program as someone who reads its output expects: quietly when the pipe is closed (`| head`), as failed when it cannot
 * be written (disk full), with 130 at Ctrl-C.
 */
export function watchReader(): void {
  if (process.listeners('SIGINT').includes(interrupted)) return
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') say(`error: cannot write to stdout: ${error.message}`)
    process.exit(error.code === 'EPIPE' ? 0 : 1)
  })
  process.stderr.on('error', () => process.exit(0))
  process.once('SIGINT', interrupted)
}

/** Leaves Ctrl-C to a part that has to clean up; what it returns takes it back. */
export function leaveInterrupts(): () => void {
  const isWatched = process.listeners('SIGINT').includes(interrupted)
  process.off('SIGINT', interrupted)
  return () => {
    if (isWatched) process.once('SIGINT', interrupted)
  }
}

function interrupted(): never {
  process.exit(EXIT_INTERRUPTED)
}
