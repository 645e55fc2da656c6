import { harmless } from './harmless.ts'

/** Writes a note or an error to stderr, as one line that cannot act on a terminal. */
export function say(text: string): void {
  process.stderr.write(`${harmless(text)}\n`)
}

/** Ends the program when nobody reads its output any more: quietly when the pipe was closed (`| head`), as failed otherwise (disk full). */
export function watchOutputs(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') say(`error: cannot write to stdout: ${error.message}`)
    process.exit(error.code === 'EPIPE' ? 0 : 1)
  })
  process.stderr.on('error', () => process.exit(0))
}
