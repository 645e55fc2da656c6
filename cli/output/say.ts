import { harmless } from './harmless.ts'

/** Writes a note or an error to stderr, as one line that cannot act on a terminal. */
export function say(text: string): void {
  process.stderr.write(`${harmless(text)}\n`)
}
