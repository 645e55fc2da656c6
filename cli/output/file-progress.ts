/** A terminal is told twice a second, a file every ten seconds. */
const TERMINAL_MS = 500
const FILE_MS = 10_000

/** Says on stderr how far work on files has come: on one line of a terminal, else on a line now and then. */
export function fileProgress() {
  const { isTTY } = process.stderr
  let saidMs = performance.now()
  let hasSaid = false
  return {
    show: (text: string): void => {
      const nowMs = performance.now()
      if (nowMs - saidMs < (isTTY ? TERMINAL_MS : FILE_MS)) return
      saidMs = nowMs
      hasSaid = true
      process.stderr.write(isTTY ? `\r${text}\u001b[K` : `${text}\n`)
    },
    end: (): void => {
      if (isTTY && hasSaid) process.stderr.write('\r\u001b[K')
      hasSaid = false
    },
  }
}
