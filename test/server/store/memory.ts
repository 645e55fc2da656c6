import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { lineMatches, streamMatches } from '../../../server/query/filter.ts'
import { MAX_GREP_CHARS, type Query, type Scope } from '../../../server/query/query.ts'
import { type GapRange, GapTable } from '../../../server/store/gap-table.ts'
import { Histogram, type HistogramBucket, type HistogramWish, streamKey } from '../../../server/store/histogram.ts'
import type {
  Appended,
  Facet,
  LineFormat,
  PrintedRun,
  Sharing,
  Store,
  StoreIdentity,
  StoreStatus,
  StreamDay,
  StreamSummary,
} from '../../../server/store/store.ts'
import { SwarmlogsError } from '../../../shared/errors.ts'
import type { Gap } from '../../../shared/gap.ts'
import {
  comparePositions,
  type LogRecord,
  type LogStream,
  positionOf,
  type StoredRecord,
} from '../../../shared/record.ts'
import { formatTime } from '../../../shared/time.ts'

const BATCH = 1000
const DAY = 86_400_000_000_000n
const MINUTE = 60_000_000_000n
const OLDEST = 631_152_000_000_000_000n
const FOREIGN_ORDINALS = 2 ** 31

/** What outlives a MemoryStore: open another one on it, and it is as after a restart. */
export class MemoryData {
  identity: StoreIdentity = { id: randomUUID(), epoch: 1 }
  readonly records: StoredRecord[] = []
  /** Records of one container (foreign ones: node and container), source and time. */
  readonly groups = new Map<string, StoredRecord[]>()
  /** Last index that is stored, by chunk and day. */
  readonly chunks = new Map<string, number>()
  readonly streams = new Map<string, LogStream>()
  readonly values = new Map<string, string>()
  readonly gaps = new GapTable()
  lastReceived = 0n
}

/** Moves own lines from one store's data to another's, as they are stored. */
export function moveLines(from: MemoryData, to: MemoryData, isMoved: (record: StoredRecord) => boolean): void {
  const moved = from.records.filter((record) => record.ordinal < FOREIGN_ORDINALS && isMoved(record))
  const gone = new Set(moved)
  const left = from.records.filter((record) => !gone.has(record))
  from.records.splice(0, from.records.length, ...left)
  for (const [key, group] of from.groups)
    from.groups.set(
      key,
      group.filter((record) => !gone.has(record)),
    )
  to.records.push(...moved)
  to.records.sort(compareRecords)
  for (const { stream, received } of moved) {
    to.streams.set(JSON.stringify(stream), stream)
    if (received > to.lastReceived) to.lastReceived = received
  }
}

/** A group of lines of one container and source with equal times, and how far the read of one whose head is missing has come. */
interface Reading {
  next: number
  readonly seen: Map<string, number>
}

/** What a store that shares its data with others has of its own: a clock, and the time that a commit takes. */
export interface MemoryOptions {
  readonly now?: () => bigint
  readonly commit?: () => Promise<void>
}

/** A store for tests, in memory: the plainest thing that passes the store contract. Several may share their data. */
export class MemoryStore implements Store {
  readonly kind = 'memory'
  readonly #data: MemoryData
  readonly #readings = new Map<string, Reading>()
  readonly #options: MemoryOptions
  #lastGiven: bigint
  #isClosed = false
  /** Set to make the store refuse appends, as with a full disk. */
  reason = ''

  readonly sharing: Sharing = {
    mark: (atLeast) => {
      for (const least of [this.#now(), atLeast]) if (least > this.#lastGiven) this.#lastGiven = least
      return this.#lastGiven
    },
    observe: () => {},
    change: async (name, change) => {
      for (;;) {
        const was = await this.load(name)
        const value = change(was)
        if (value === undefined) return was
        await setImmediate()
        if ((await this.load(name)) !== was) continue
        this.#data.values.set(name, value)
        return value
      }
    },
  }

  constructor(data = new MemoryData(), options: MemoryOptions = {}) {
    this.#data = data
    this.#options = options
    this.#lastGiven = data.lastReceived
  }

  get identity(): StoreIdentity {
    return this.#data.identity
  }

  get lastReceived(): bigint {
    return this.#data.lastReceived
  }

  async append(records: readonly LogRecord[]): Promise<Appended> {
    this.#mustBeOpen()
    if (this.reason !== '') throw unavailable(`write to the store: ${this.reason}`)
    const now = this.#now()
    const received = now > this.#lastGiven ? now : this.#lastGiven + 1n
    this.#lastGiven = received
    await this.#options.commit?.()
    const before = this.#data.records.at(-1)
    const stored = records.flatMap((record) => this.#take(record, received) ?? []).sort(compareRecords)
    const [first] = stored
    if (first !== undefined && received > this.lastReceived) this.#data.lastReceived = received
    const isBehind = before === undefined || first === undefined || compareRecords(before, first) < 0
    if (stored.length > 1 || !isBehind) this.#data.records.sort(compareRecords)
    return { stored, duplicates: records.length - stored.length, received }
  }

  async *search(query: Query, signal?: AbortSignal): AsyncGenerator<readonly StoredRecord[]> {
    this.#mustBeOpen()
    if (query.filter.grep.length > MAX_GREP_CHARS)
      throw new SwarmlogsError('SWARMLOGS_LIMIT', 'cannot search for so much')
    const found = this.#find(query)
    for (let at = 0; at < found.length; at += BATCH) {
      if (signal?.aborted) return
      yield found.slice(at, at + BATCH)
      this.#mustBeOpen()
    }
  }

  async *print(query: Query, format: LineFormat, signal?: AbortSignal): AsyncGenerator<readonly PrintedRun[]> {
    for await (const records of this.search(query, signal)) {
      const runs: { source: StoredRecord['source']; text: string }[] = []
      for (const { time, stream, source, message } of records) {
        const head = (format.timestamps ? `${formatTime(time)} ` : '') + format.prefix(stream)
        const text = message.split('\n').map((line) => `${head}${line}\n`)
        const run = runs.at(-1)
        if (run?.source === source) run.text += text.join('')
        else runs.push({ source, text: text.join('') })
      }
      yield runs
    }
  }

  async count(scope: Scope, signal?: AbortSignal): Promise<number> {
    let total = 0
    for await (const records of this.search({ ...scope, order: 'asc' }, signal)) total += records.length
    signal?.throwIfAborted()
    return total
  }

  async histogram(scope: Scope, wish: HistogramWish, signal?: AbortSignal): Promise<readonly HistogramBucket[]> {
    const result = new Histogram(wish)
    for await (const records of this.search({ ...scope, order: 'asc' }, signal)) {
      for (const { time, level, source, stream } of records) {
        const key = wish.by === 'level' ? level : wish.by === 'source' ? source : streamKey(stream, wish.by)
        result.add(time, key, 1)
      }
    }
    signal?.throwIfAborted()
    return result.buckets()
  }

  async facets(scope: Scope, signal?: AbortSignal): Promise<readonly Facet[]> {
    const found = new Map<string, { -readonly [Name in keyof Facet]: Facet[Name] }>()
    for await (const records of this.search({ ...scope, order: 'asc' }, signal)) {
      for (const { stream, source, level } of records) {
        const key = JSON.stringify([stream, source, level])
        const facet = found.get(key) ?? { stream, source, level, records: 0 }
        found.set(key, facet)
        facet.records++
      }
    }
    signal?.throwIfAborted()
    return [...found.values()]
  }

  async appendGaps(gaps: readonly Gap[]): Promise<void> {
    this.#mustBeOpen()
    if (this.reason !== '') throw unavailable(`write to the store: ${this.reason}`)
    this.#data.gaps.put(gaps)
  }

  async gaps(range: GapRange = {}): Promise<readonly Gap[]> {
    this.#mustBeOpen()
    return this.#data.gaps.in(range)
  }

  async streams(): Promise<readonly StreamSummary[]> {
    this.#mustBeOpen()
    const summaries = [...this.#data.streams.values()].map((stream) => {
      const own = this.#data.records.filter((record) => record.stream === stream)
      return { stream, records: own.length, first: own[0]?.time ?? 0n, last: own.at(-1)?.time ?? 0n }
    })
    return summaries.filter(({ records }) => records > 0)
  }

  async days(): Promise<readonly StreamDay[]> {
    this.#mustBeOpen()
    const now = this.#now()
    return this.#data.records.map(({ stream, time }) => {
      const isOdd = time < OLDEST || time > now + DAY
      return { stream, day: isOdd ? '' : formatTime(time).slice(0, 10), records: 1 }
    })
  }

  async save(name: string, value: string): Promise<void> {
    this.#mustBeOpen()
    this.#data.values.set(name, value)
  }

  async load(name: string): Promise<string | undefined> {
    this.#mustBeOpen()
    return this.#data.values.get(name)
  }

  status(): StoreStatus {
    this.#mustBeOpen()
    const { records } = this.#data
    const now = BigInt(Date.now()) * 1_000_000n
    const begins = records.find(({ time }) => time >= OLDEST && time <= now + DAY)?.time
    const bytes = records.reduce((sum, { message }) => sum + message.length, 0)
    return {
      writable: this.reason === '',
      reason: this.reason,
      records: records.length,
      bytes,
      ...(begins !== undefined && { begins }),
      segments: records.length > 0 ? 1 : 0,
      damaged: [],
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  #take(record: LogRecord, received: bigint): StoredRecord | undefined {
    const { stream, source, time, chunk } = record
    const isForeign = chunk !== '' || stream.containerId === '' || stream.tag !== ''
    const key = [isForeign ? stream.nodeId : 'own', stream.containerId, source, time].join('\0')
    const group = this.#data.groups.get(`${isForeign}${key}`) ?? []
    const ordinal = isForeign ? this.#foreignOrdinal(record, group) : this.#ordinal(record, group, key)
    if (ordinal === undefined) return undefined
    const stored = { ...record, stream: this.#intern(stream), ordinal, chunk: '', received }
    this.#data.groups.set(`${isForeign}${key}`, [...group, stored])
    this.#data.records.push(stored)
    return stored
  }

  #foreignOrdinal({ chunk, ordinal, time }: LogRecord, group: readonly StoredRecord[]): number | undefined {
    const key = `${chunk}\0${time / DAY}`
    if (chunk !== '' && ordinal <= (this.#data.chunks.get(key) ?? -1)) return undefined
    this.#data.chunks.set(key, ordinal)
    return group.reduce((next, other) => Math.max(next, other.ordinal + 1), FOREIGN_ORDINALS)
  }

  /** The place of an own line, undefined when it is stored. Groups whose ordinals are guesses are matched by content. */
  #ordinal(record: LogRecord, group: readonly StoredRecord[], key: string): number | undefined {
    const ordinals = new Set(group.map(({ ordinal }) => ordinal))
    if (record.headMissing || group.some(({ headMissing }) => headMissing)) {
      const times = this.#seen(record, key)
      if (times <= group.filter(({ message }) => message === record.message).length) return undefined
    } else if (ordinals.has(record.ordinal)) return undefined
    return ordinals.has(record.ordinal) ? Math.max(...ordinals) + 1 : record.ordinal
  }

  #seen({ ordinal, message }: LogRecord, key: string): number {
    const known = this.#readings.get(key)
    const reading = known !== undefined && ordinal >= known.next ? known : { next: 0, seen: new Map<string, number>() }
    this.#readings.set(key, reading)
    const times = (reading.seen.get(message) ?? 0) + 1
    reading.seen.set(message, times)
    reading.next = ordinal + 1
    return times
  }

  #intern(stream: LogStream): LogStream {
    const key = JSON.stringify(stream)
    const known = this.#data.streams.get(key) ?? stream
    this.#data.streams.set(key, known)
    return known
  }

  #find(query: Query): StoredRecord[] {
    const { order, after, limit } = query
    let found = this.#newest(
      this.#data.records.filter((record) => isWanted(query, record)),
      query,
    )
    if (order === 'desc') found.reverse()
    const sign = order === 'asc' ? 1 : -1
    if (after !== undefined) found = found.filter((record) => sign * comparePositions(positionOf(record), after) > 0)
    return limit === undefined ? found : found.slice(0, limit)
  }

  /** A clock that runs ahead does not own the newest: such lines count by their arrival. */
  #newest(records: StoredRecord[], { newest, perTask = false }: Query): StoredRecord[] {
    if (newest === undefined) return records
    const arrived = (record: StoredRecord): bigint =>
      record.time > record.received + MINUTE ? record.received : record.time
    const byAge = records.toSorted((a, b) => {
      const [x, y] = [arrived(a), arrived(b)]
      return x === y ? compareRecords(b, a) : x > y ? -1 : 1
    })
    const counts = new Map<string, number>()
    const kept = byAge.filter(({ stream }) => {
      const key = perTask ? stream.taskId || stream.containerId : ''
      const count = (counts.get(key) ?? 0) + 1
      counts.set(key, count)
      return count <= newest
    })
    return kept.sort(compareRecords)
  }

  #now(): bigint {
    return this.#options.now?.() ?? BigInt(Date.now()) * 1_000_000n
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw unavailable('use the store: it is closed')
  }
}

function isWanted({ filter, since, until, receivedAfter, receivedUpTo }: Scope, record: StoredRecord): boolean {
  return (
    streamMatches(filter, record.stream) &&
    lineMatches(filter, record) &&
    (since === undefined || record.time >= since) &&
    (until === undefined || record.time < until) &&
    (receivedAfter === undefined || record.received > receivedAfter) &&
    (receivedUpTo === undefined || record.received <= receivedUpTo)
  )
}

function compareRecords(a: StoredRecord, b: StoredRecord): number {
  return comparePositions(positionOf(a), positionOf(b))
}

function unavailable(what: string): SwarmlogsError {
  return new SwarmlogsError('SWARMLOGS_STORE_UNAVAILABLE', `cannot ${what}`)
}
