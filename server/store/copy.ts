import { setTimeout as delay } from 'node:timers/promises'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { LogRecord, LogStream, StoredRecord } from '../../shared/record.ts'
import { EVERYTHING } from '../query/query.ts'
import { CopiedLines } from './copied-lines.ts'
import { CopyJournal } from './copy-journal.ts'
import type { Store } from './store.ts'

const NS_PER_DAY = 86_400_000_000_000n
/** How long a store may not take lines (a cluster without a master, a full disk) before the copy ends; it goes on where it was. */
const PATIENCE_MS = 120_000
const RETRY_MS = 500
/** What is appended at a time: several requests' worth for a cluster, which takes them side by side. */
const MAX_LINES = 20_000
const MAX_CHARS = 8 * 2 ** 20

/** How far a copy has come. */
export interface CopyProgress {
  /** The day whose lines are copied; '' for those whose time is out of all reason. */
  readonly day: string
  /** Lines that were copied, or had been before. */
  readonly records: number
  /** Of so many. */
  readonly total: number
}

/** What to copy where. */
export interface CopyOptions {
  readonly from: Store
  readonly to: Store
  readonly onProgress: (progress: CopyProgress) => void
  readonly signal: AbortSignal
}

/** What a day has, of which nodes' containers. */
interface Day {
  readonly day: string
  records: number
  readonly places: Set<string>
}

/**
 * Copies all lines of a store into another one, day by day in total order; what is there already is not doubled. A copy that ended early
 * goes on where it was: the store that is copied to keeps how far it came. Resolves early when the signal aborts.
 */
export async function copyStore(options: CopyOptions): Promise<void> {
  const { from, to, onProgress, signal } = options
  const days = daysOf(await from.days())
  const total = days.reduce((sum, { records }) => sum + records, 0)
  const journal = await CopyJournal.open(to, from.identity.id)
  let before = 0
  for (const day of days) {
    if (signal.aborted) return
    onProgress({ day: day.day, records: before, total })
    if (!journal.isDone(day)) {
      await copyDay(options, day, journal, (records) =>
        onProgress({ day: day.day, records: before + Math.min(records, day.records), total }),
      )
    }
    before += day.records
  }
  if (!signal.aborted) onProgress({ day: days.at(-1)?.day ?? '', records: total, total })
}

function daysOf(held: Awaited<ReturnType<Store['days']>>): Day[] {
  const days = new Map<string, Day>()
  for (const { day, stream, records } of held) {
    const known = days.get(day) ?? { day, records: 0, places: new Set() }
    known.records += records
    known.places.add(placeOf(stream))
    days.set(day, known)
  }
  return [...days.values()].sort((a, b) => (a.day < b.day ? -1 : 1))
}

async function copyDay(
  { from, to, signal }: CopyOptions,
  day: Day,
  journal: CopyJournal,
  onRecords: (records: number) => void,
): Promise<void> {
  const begun = journal.begin(day)
  const lines = new CopiedLines(from.identity.id)
  let { records: count } = begun
  let pending = Promise.resolve()
  for await (const records of gathered(from.search({ ...rangeOf(day, begun.time), order: 'asc' }, signal))) {
    const copies = records.map((record) => lines.lineOf(record))
    // One append at a time, so that the places in a chunk come in their order; the next lines are read meanwhile.
    await pending
    pending = appendPatiently(to, copies, signal).then(() => {
      count += copies.length
      onRecords(count)
      return journal.reach(day, { time: copies.at(-1)?.time ?? 0n, records: count })
    })
    // What fails is thrown where it is awaited.
    pending.catch(() => {})
  }
  await pending
  if (!signal.aborted) await journal.end(day)
}

/** Many records at a time. */
async function* gathered(found: AsyncIterable<readonly StoredRecord[]>): AsyncGenerator<readonly StoredRecord[]> {
  let waiting: StoredRecord[] = []
  let chars = 0
  for await (const records of found) {
    for (const record of records) {
      waiting.push(record)
      chars += record.message.length + record.fields.length
    }
    if (waiting.length < MAX_LINES && chars < MAX_CHARS) continue
    yield waiting
    waiting = []
    chars = 0
  }
  if (waiting.length > 0) yield waiting
}

function rangeOf({ day, places }: Day, time: bigint | undefined) {
  const filter = EVERYTHING
  // Lines of odd times can have any: all lines of their containers are looked at.
  if (day === '') return { filter: { ...filter, accepts: (stream: LogStream) => places.has(placeOf(stream)) } }
  const start = BigInt(Date.parse(day)) * 1_000_000n
  return { filter, since: time ?? start, until: start + NS_PER_DAY }
}

function placeOf({ nodeId, containerId }: LogStream): string {
  return `${nodeId}\0${containerId}`
}

async function appendPatiently(to: Store, records: readonly LogRecord[], signal: AbortSignal): Promise<void> {
  for (const startMs = performance.now(); ; ) {
    try {
      const { refused } = await to.append(records)
      if (refused !== undefined) await to.appendGaps(refused)
      return
    } catch (error) {
      const isPassing = error instanceof SwarmlogsError && error.code === 'SWARMLOGS_STORE_UNAVAILABLE'
      if (!isPassing || signal.aborted || performance.now() - startMs > PATIENCE_MS) throw error
      await delay(RETRY_MS, undefined, { signal }).catch(() => {})
    }
  }
}
