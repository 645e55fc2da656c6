import { bytesText } from './bytes.ts'

/** A terminal is told twice a second, a file every ten seconds. */
const TERMINAL_MS = 500
const FILE_MS = 10_000

/** Says on stderr how far a backup has come: on one line of a terminal, else on a line now and then. */
export function backupProgress() {
  const { isTTY } = process.stderr
  let saidMs = performance.now()
  let hasSaid = false
  return {
    show: ({ step, bytes, total }: { readonly step: string; readonly bytes: number; readonly total: number }): void => {
      const nowMs = performance.now()
      if (nowMs - saidMs < (isTTY ? TERMINAL_MS : FILE_MS)) return
      saidMs = nowMs
      hasSaid = true
      const text = `${step} ${bytesText(bytes)} of ${bytesText(total)} (${Math.floor((100 * bytes) / Math.max(total, 1))} %)`
      process.stderr.write(isTTY ? `\r${text}\u001b[K` : `${text}\n`)
    },
    end: (): void => {
      if (isTTY && hasSaid) process.stderr.write('\n')
    },
  }
}
