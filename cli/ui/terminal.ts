import { writeSync } from 'node:fs'
import type { ReadStream, WriteStream } from 'node:tty'

/** Another screen, rows that end at the edge (whatever a terminal thinks how wide a letter is), no cursor. */
const ENTER = '\x1b[?1049h\x1b[?7l\x1b[?25l\x1b[2J\x1b[H'
const LEAVE = '\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l'
const STDOUT = 1
const FATAL = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const
const SIGNAL_CODES = { SIGTERM: 143, SIGHUP: 129, SIGINT: 130, SIGQUIT: 131 } as const

/** Takes the terminal over; the function that is given back leaves it as it was, as does any end of the process but SIGKILL. */
export function takeTerminal(stdout: WriteStream, stdin: ReadStream): () => void {
  let isTaken = true
  const leave = () => {
    if (!isTaken) return
    isTaken = false
    // A terminal that is gone (SIGHUP) needs nothing any more.
    try {
      if (stdin.isTTY) stdin.setRawMode(false)
      writeSync(STDOUT, LEAVE)
    } catch {}
  }
  const end = (signal: (typeof FATAL)[number]) => process.exit(SIGNAL_CODES[signal])
  process.once('exit', leave)
  process.once('uncaughtExceptionMonitor', leave)
  for (const signal of FATAL) process.on(signal, end)
  stdout.write(ENTER)
  return () => {
    leave()
    process.off('exit', leave)
    process.off('uncaughtExceptionMonitor', leave)
    for (const signal of FATAL) process.off(signal, end)
  }
}
