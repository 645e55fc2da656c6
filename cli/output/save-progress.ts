import { formatTime } from '../../shared/time.ts'

/** A terminal is told twice a second, a file every ten seconds. */
const TERMINAL_MS = 500
const FILE_MS = 10_000

/** Says on stderr how far a bundle has come: on one line of a terminal, else on a line now and then. */
export function saveProgress() {
  const { isTTY } = process.stderr
  const startMs = performance.now()
  let saidMs = startMs
  let hasSaid = false
  return {
    show: ({ lines, time }: { readonly lines: number; readonly time: bigint }): void => {
      const nowMs = performance.now()
      if (nowMs - saidMs < (isTTY ? TERMINAL_MS : FILE_MS)) return
      saidMs = nowMs
      hasSaid = true
      const rate = Math.round(lines / ((nowMs - startMs) / 1000))
      const text = `${lines} lines up to ${formatTime(time)}, ${rate} lines/s`
      process.stderr.write(isTTY ? `\r${text}\u001b[K` : `${text}\n`)
    },
    end: (): void => {
      if (isTTY && hasSaid) process.stderr.write('\n')
    },
  }
}
