import type { AgentStatus } from '../status.ts'

const OVER_MS = 60_000
const EVERY_MS = 2_000

interface Count {
  readonly atMs: number
  readonly lines: number
  readonly bytes: number
}

/** Lines and bytes a second over the last minute. */
export class Rates {
  readonly #status: Pick<AgentStatus, 'lines' | 'bytes'>
  #counts: Count[] = []

  constructor(status: Pick<AgentStatus, 'lines' | 'bytes'>) {
    this.#status = status
  }

  /** The rates at a time of performance.now(); to be asked every few seconds. */
  at(nowMs: number): { readonly linesPerSecond: number; readonly bytesPerSecond: number } {
    const { lines, bytes } = this.#status
    const newest = this.#counts.at(-1)
    if (newest === undefined || nowMs - newest.atMs >= EVERY_MS) this.#counts.push({ atMs: nowMs, lines, bytes })
    this.#counts = this.#counts.filter(({ atMs }) => nowMs - atMs <= OVER_MS)
    const [oldest] = this.#counts
    const seconds = (nowMs - (oldest?.atMs ?? nowMs)) / 1000
    if (oldest === undefined || seconds === 0) return { linesPerSecond: 0, bytesPerSecond: 0 }
    return {
      linesPerSecond: Math.round((lines - oldest.lines) / seconds),
      bytesPerSecond: Math.round((bytes - oldest.bytes) / seconds),
    }
  }
}
