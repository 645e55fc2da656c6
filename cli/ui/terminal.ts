import { writeSync } from 'node:fs'
import type { ReadStream, WriteStream } from 'node:tty'
import { MOUSE_OFF } from './mouse.ts'

/** Another screen, rows that end at the edge (whatever a terminal thinks how wide a letter is), no cursor. */
const ENTER = '\x1b[?1049h\x1b[?7l\x1b[?25l\x1b[2J\x1b[H'
const LEAVE = `${MOUSE_OFF}\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l`
const STDOUT = 1
const CODES = { SIGTERM: 143, SIGHUP: 129, SIGINT: 130, SIGQUIT: 131 } as const

/** What happens when a terminal is given back. */
export interface Ending {
  /** Draws no more; what it still writes is seen by nobody. */
  readonly stop: () => void
  /** A signal asks the program to end with this exit code. */
  readonly end: (code: number) => void
}

/** Takes the terminal over; the function that is given back leaves it as it was, as does any end of the process but SIGKILL. */
export function takeTerminal(stdout: WriteStream, stdin: ReadStream, { stop, end }: Ending): () => void {
  let isTaken = true
  const leave = () => {
    if (!isTaken) return
    isTaken = false
    // A terminal that is gone (SIGHUP) needs nothing any more.
    try {
      stop()
      if (stdin.isTTY) stdin.setRawMode(false)
      writeSync(STDOUT, LEAVE)
    } catch {}
  }
  const listeners = Object.entries(CODES).map(([signal, code]) => [signal, () => end(code)] as const)
  process.once('exit', leave)
  process.once('uncaughtExceptionMonitor', leave)
  for (const [signal, listener] of listeners) process.on(signal, listener)
  stdout.write(ENTER)
  return () => {
    leave()
    process.off('exit', leave)
    process.off('uncaughtExceptionMonitor', leave)
    for (const [signal, listener] of listeners) process.off(signal, listener)
  }
}
