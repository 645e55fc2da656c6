import type { LogRecord, LogStream } from '../../../shared/record.ts'
import type { Retention } from '../../retention.ts'
import { AHEAD, clampTime, FOREIGN, HEAD_MISSING } from './schema.ts'
import { dayOf } from './segment.ts'
import { type Entry, isForeign, type Streams } from './streams.ts'

const NS_PER_MINUTE = 60_000_000_000n
const NS_PER_DAY = 86_400_000_000_000n
/** 1990: containers did not log then, clocks without a battery do. */
const OLDEST_TIME = 631_152_000_000_000_000n

/** A record on its way into the store. */
export interface Row {
  readonly record: LogRecord
  readonly entry: Entry
  /** Which of the append calls of this commit it is of. */
  readonly call: number
  readonly time: bigint
  readonly flags: number
  /** The day whose segments it goes to, and whether it is there by its arrival. */
  readonly day: string
  readonly isOdd: boolean
  /** Final once the row is admitted. */
  ordinal: number
}

/** Makes rows of records; remembers the last day, as neighbours mostly share theirs. */
export class RowMaker {
  readonly #streams: Streams
  readonly #now: bigint
  readonly #retention: Retention
  readonly #today: string
  #stream: LogStream | undefined
  #expired = 0n
  #dayStart = 0n
  #day = ''

  /** @param now nanoseconds since 1970. @param retention what is older has expired before it came. */
  constructor(streams: Streams, now: bigint, retention: Retention) {
    this.#retention = retention
    this.#streams = streams
    this.#now = now
    this.#today = dayOf(now)
  }

  /** The row of a record; undefined when it is older than lines are kept. */
  row(record: LogRecord, call: number): Row | undefined {
    const time = clampTime(record.time)
    if (time >= OLDEST_TIME && time < this.#expiredOf(record.stream)) return undefined
    const isOdd = time < OLDEST_TIME || time > this.#now + NS_PER_DAY
    const flags =
      (time > this.#now + NS_PER_MINUTE ? AHEAD : 0) |
      (record.headMissing ? HEAD_MISSING : 0) |
      (isForeign(record) ? FOREIGN : 0)
    const day = isOdd ? this.#today : this.#dayOf(time)
    return {
      record,
      entry: this.#streams.intern(record.stream),
      call,
      time,
      flags,
      day,
      isOdd,
      ordinal: record.ordinal,
    }
  }

  #expiredOf(stream: LogStream): bigint {
    if (stream !== this.#stream) {
      this.#stream = stream
      this.#expired = this.#now - this.#retention.of(stream)
    }
    return this.#expired
  }

  #dayOf(time: bigint): string {
    if (this.#day === '' || time < this.#dayStart || time >= this.#dayStart + NS_PER_DAY) {
      this.#dayStart = time - (time % NS_PER_DAY)
      this.#day = dayOf(time)
    }
    return this.#day
  }
}

/** The rows by the segment that they go to, oldest day first. */
export function partitions(rows: readonly Row[]): Row[][] {
  const parts = Map.groupBy(rows, ({ day, isOdd }) => `${day}${isOdd}`)
  return [...parts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, part]) => part)
}
