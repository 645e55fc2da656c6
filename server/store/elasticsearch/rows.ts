import { hash, randomBytes } from 'node:crypto'
import type { LogRecord, Source } from '../../../shared/record.ts'
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
  readonly #oldest: bigint
  #dayStart = 0n
  #place: Place | undefined

  /** @param retention nanoseconds; what is older by a day would have a day of its own only to be deleted. */
  constructor(
    parts: {
      readonly names: Names
      readonly indices: Pick<Indices, 'target' | 'ofDay'>
      readonly streams: Streams
      readonly foreignOrdinals: ForeignOrdinals
    },
    now: bigint,
    retention: bigint,
  ) {
    this.#names = parts.names
    this.#indices = parts.indices
    this.#streams = parts.streams
    this.#ordinals = parts.foreignOrdinals
    this.#now = now
    this.#oldest = greater(now - retention - NS_PER_DAY, OLDEST_TIME)
  }

  row(record: LogRecord, call: number): Row {
    const time = clampTime(record.time)
    const isOdd = time < this.#oldest || time > this.#now + NS_PER_DAY
    const entry = this.#streams.intern(record.stream)
    const isForeign = record.chunk !== '' || record.stream.tag !== ''
    return {
      record,
      entry,
      call,
      time,
      ...(isOdd ? { index: this.#names.lines(dayOf(this.#now), true), siblings: [] } : this.#placeOf(time)),
      isOdd,
      isForeign,
      isAhead: time > this.#now + NS_PER_MINUTE,
      ordinal: isForeign ? this.#ordinals.next() : record.ordinal,
      id: isForeign ? foreignId(record) : ownId(entry, record.source, time, record.ordinal),
    }
  }

  #placeOf(time: bigint): Place {
    if (this.#place === undefined || time < this.#dayStart || time >= this.#dayStart + NS_PER_DAY) {
      const day = dayOf(time)
      this.#dayStart = timesOfDay(day).start
      const index = this.#indices.target(day)
      this.#place = { index, siblings: this.#indices.ofDay(day).filter((other) => other !== index) }
    }
    return this.#place
  }
}

const CONTAINER_BYTES = 11
const ID_BYTES = CONTAINER_BYTES + 1 + 8 + 4
const idBuffer = Buffer.alloc(ID_BYTES)

/**
 * Identity of an own line: digest of the container id, source, time, ordinal. Not one digest of all: ids of neighbours share their
 * beginning and grow with time, which Elasticsearch packs well and looks up fast.
 */
export function ownId({ container }: Entry, source: Source, time: bigint, ordinal: number): string {
  for (let index = 0; index < CONTAINER_BYTES; index++) idBuffer[index] = container[index] ?? 0
  idBuffer[CONTAINER_BYTES] = source === 'stderr' ? 0 : 1
  idBuffer.writeBigUInt64BE(time + 2n ** 63n, CONTAINER_BYTES + 1)
  idBuffer.writeUInt32BE(ordinal >>> 0, CONTAINER_BYTES + 9)
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
