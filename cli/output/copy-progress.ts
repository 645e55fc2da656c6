/** How far a copy has come. */
interface Progress {
  readonly day: string
  readonly records: number
  readonly total: number
}

/** A terminal is told twice a second, a file every ten seconds. */
const TERMINAL_MS = 500
const FILE_MS = 10_000

/** Says on stderr how far a copy has come: on one line of a terminal, else on a line now and then. */
export function copyProgress(): { show(progress: Progress): void; end(): void } {
  const { isTTY } = process.stderr
  const startMs = performance.now()
  let first: number | undefined
  let saidMs = Number.NEGATIVE_INFINITY
  return {
    show: (progress) => {
      const nowMs = performance.now()
      first ??= progress.records
      if (nowMs - saidMs < (isTTY ? TERMINAL_MS : FILE_MS) && progress.records < progress.total) return
      saidMs = nowMs
      const text = describe(progress, (progress.records - first) / ((nowMs - startMs) / 1000))
      process.stderr.write(isTTY ? `\r${text}\u001b[K` : `${text}\n`)
    },
    end: () => {
      if (isTTY && first !== undefined) process.stderr.write('\n')
    },
  }
}

function describe({ day, records, total }: Progress, perSecond: number): string {
  const share = total === 0 ? 100 : Math.floor((100 * records) / total)
  const rate = Math.round(perSecond)
  const left = rate === 0 || records === total ? '' : `, ${Math.ceil((total - records) / rate)} s to go`
  return `${day === '' ? 'odd times' : day}: ${records} of ${total} lines (${share} %), ${rate} lines/s${left}`
}
