import { say } from './say.ts'

const EXIT_INTERRUPTED = 130

/**
 * Ends the program as someone who reads its output expects: quietly when the pipe is closed (`| head`), as failed when it cannot
 * be written (disk full), with 130 at Ctrl-C.
 */
export function watchReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') say(`error: cannot write to stdout: ${error.message}`)
    process.exit(error.code === 'EPIPE' ? 0 : 1)
  })
  process.stderr.on('error', () => process.exit(0))
  process.once('SIGINT', () => process.exit(EXIT_INTERRUPTED))
}
