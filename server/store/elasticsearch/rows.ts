import { hash, randomBytes } from 'node:crypto'
import type { LogRecord, LogStream, Source } from '../../../shared/record.ts'
import type { Retention } from '../../retention.ts'
import { greater } from '../bigint.ts'
import { FOREIGN_ORDINALS } from '../store.ts'
import type { Indices } from './indices.ts'
import { dayOf, type Names, timesOfDay } from './names.ts'
import type { Entry, Streams } from './streams.ts'
import { clampTime } from './times.ts'

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
  readonly index: string
  /** Where it may have been stored before its day was closed, or since. */
  readonly siblings: readonly string[]
  /** It is there by its arrival, as its time is out of all reason. */
  readonly isOdd: boolean
  readonly isForeign: boolean
  /** Its clock ran ahead of ours by over a minute: `received` stands for its time in "the newest N". */
  readonly isAhead: boolean
  /** Both are final once the row is admitted. */
  ordinal: number
  id: string
}

type Place = Pick<Row, 'index' | 'siblings'>

/** Gives foreign lines ordinals that grow with their arrival, also over restarts: microseconds, one more for each line. */
export class ForeignOrdinals {
  #last = 0

  next(): number {
    this.#last = Math.max(this.#last + 1, Date.now() * 1000)
    return FOREIGN_ORDINALS + this.#last
  }
}

/** Makes rows of records; remembers the last day, as neighbours mostly share theirs. */
export class RowMaker {
  readonly #names: Names
  readonly #indices: Pick<Indices, 'target' | 'ofDay'>
  readonly #streams: Streams
  readonly #ordinals: ForeignOrdinals
  readonly #now: bigint
  /** From then on a clock runs ahead, or a time is out of all reason. */
  readonly #ahead: bigint
  readonly #odd: bigint
  readonly #retention: Retention
  #stream: LogStream | undefined
  /** Of the stream's lines: what is older has expired, or has no day of its own. */
  #expired = 0n
  #oldest = 0n
  #dayStart = 0n
  #dayEnd = 0n
  #place: Place | undefined

  /** @param retention what is older by a day would have a day of its own only to be deleted. */
  constructor(
    parts: {
      readonly names: Names
      readonly indices: Pick<Indices, 'target' | 'ofDay'>
      readonly streams: Streams
      readonly foreignOrdinals: ForeignOrdinals
    },
    now: bigint,
    retention: Retention,
  ) {
    this.#names = parts.names
    this.#indices = parts.indices
    this.#streams = parts.streams
    this.#ordinals = parts.foreignOrdinals
    this.#now = now
    this.#ahead = now + NS_PER_MINUTE
    this.#odd = now + NS_PER_DAY
    this.#retention = retention
  }

  /** The row of a record; undefined when it is older than the lines of its service are kept. */
  row(record: LogRecord, call: number): Row | undefined {
    const time = clampTime(record.time)
    this.#see(record.stream)
    if (time >= OLDEST_TIME && time < this.#expired) return undefined
    const isOdd = time < this.#oldest || time > this.#odd
    const entry = this.#streams.intern(record.stream)
    const isForeign = record.chunk !== '' || record.stream.tag !== ''
    const { index, siblings } = isOdd ? this.#placeOfOdd() : this.#placeOf(time)
    return {
      record,
      entry,
      call,
      time,
      index,
      siblings,
      isOdd,
      isForeign,
      isAhead: time > this.#ahead,
      ordinal: isForeign ? this.#ordinals.next() : record.ordinal,
      id: isForeign ? foreignId(record) : ownId(entry, record.source, time, record.ordinal),
    }
  }

  /** Neighbours mostly share their stream. */
  #see(stream: LogStream): void {
    if (stream === this.#stream) return
    this.#stream = stream
    const kept = this.#now - this.#retention.of(stream)
    this.#oldest = greater(kept - NS_PER_DAY, OLDEST_TIME)
    // Days that go as a whole need no such bound: old lines are kept by their arrival.
    this.#expired = this.#retention.isOwn(stream) ? kept : 0n
  }

  /** By its arrival. */
  #placeOfOdd(): Place {
    return { index: this.#names.lines(dayOf(this.#now), true), siblings: [] }
  }

  #placeOf(time: bigint): Place {
    if (this.#place === undefined || time < this.#dayStart || time >= this.#dayEnd) {
      const day = dayOf(time)
      this.#dayStart = timesOfDay(day).start
      this.#dayEnd = this.#dayStart + NS_PER_DAY
      const index = this.#indices.target(day)
      this.#place = { index, siblings: this.#indices.ofDay(day).filter((other) => other !== index) }
    }
    return this.#place
  }
}

const CONTAINER_BYTES = 11
/** Makes times before 1970 come first. */
const SIGN = 2n ** 63n
const ID_BYTES = CONTAINER_BYTES + 1 + 8 + 4
const idBuffer = Buffer.alloc(ID_BYTES)
const idView = new DataView(idBuffer.buffer, idBuffer.byteOffset, ID_BYTES)

/**
 * Identity of an own line: digest of the container id, source, time, ordinal. Not one digest of all: ids of neighbours share their
 * beginning and grow with time, which Elasticsearch packs well and looks up fast.
 */
export function ownId({ container }: Entry, source: Source, time: bigint, ordinal: number): string {
  for (let index = 0; index < CONTAINER_BYTES; index++) idBuffer[index] = container[index] ?? 0
  idBuffer[CONTAINER_BYTES] = source === 'stderr' ? 0 : 1
  idView.setBigUint64(CONTAINER_BYTES + 1, time + SIGN)
  idView.setUint32(CONTAINER_BYTES + 9, ordinal)
  return idBuffer.toString('base64url')
}

/** Foreign lines are known by their place in a chunk; without one, each time they come they are others. */
function foreignId({ chunk, ordinal }: LogRecord): string {
  if (chunk === '') return `-${randomBytes(16).toString('base64url')}`
  return `+${chunkName(chunk)}.${ordinal}`
}

/** A chunk as the ids of its lines name it. */
export function chunkName(chunk: string): string {
  return hash('sha256', chunk, 'base64url').slice(0, 22)
}

/** Where in which chunk a foreign line was, by its id; undefined for all others. */
export function chunkPlaceOf(id: string): { readonly chunk: string; readonly index: number } | undefined {
  const [, chunk, index] = /^\+([\w-]{22})\.(\d+)$/.exec(id) ?? []
  return chunk === undefined ? undefined : { chunk, index: Number(index) }
}
