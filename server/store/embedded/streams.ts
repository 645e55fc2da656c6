import type { LogRecord, LogStream } from '../../../shared/record.ts'
import type { StreamSummary } from '../store.ts'

/** One stream of the catalog, in memory: its labels once, and what the segments together hold of it. */
export interface Entry extends Counts {
  readonly stream: LogStream
  /** The labels as canonical JSON; equal text means the same stream. */
  readonly labels: string
}

/** How many records, and the times of the first and the last; these mean nothing when there are none. */
export interface Counts {
  records: number
  first: bigint
  last: bigint
}

/** The catalog of streams: equal labels are one entry, found fast by the object that carries them. */
export class Streams {
  readonly #byLabels = new Map<string, Entry>()
  /** Senders reuse the LogStream object of a batch, so that most look-ups need no JSON. */
  #byObject = new WeakMap<LogStream, Entry>()
  readonly #groups = new Map<string, Entry[]>()

  get size(): number {
    return this.#byLabels.size
  }

  intern(stream: LogStream): Entry {
    const known = this.#byObject.get(stream)
    if (known !== undefined) return known
    const entry = this.ofLabels(labelsOf(stream))
    this.#byObject.set(stream, entry)
    return entry
  }

  ofLabels(labels: string): Entry {
    const known = this.#byLabels.get(labels)
    if (known !== undefined) return known
    const entry: Entry = { stream: Object.freeze(JSON.parse(labels)), labels, records: 0, first: 0n, last: 0n }
    this.#byLabels.set(labels, entry)
    for (const group of [containerGroup(entry.stream), placeGroup(entry.stream)]) {
      const members = this.#groups.get(group)
      if (members === undefined) this.#groups.set(group, [entry])
      else members.push(entry)
    }
    return entry
  }

  /** The entries of a group (see `groupOf`); empty when there are none. */
  group(group: string): readonly Entry[] {
    return this.#groups.get(group) ?? []
  }

  entries(): IterableIterator<Entry> {
    return this.#byLabels.values()
  }

  summaries(): StreamSummary[] {
    const result: StreamSummary[] = []
    for (const { stream, records, first, last } of this.#byLabels.values()) {
      if (records > 0) result.push({ stream, records, first, last })
    }
    return result
  }

  /** Counts anew over the segments' own counts. */
  recount(segments: Iterable<ReadonlyMap<Entry, Counts>>): void {
    for (const entry of this.#byLabels.values()) entry.records = 0
    for (const streams of segments) for (const [entry, counts] of streams) count(entry, counts)
  }

  /** Forgets the entries that nothing is held of. Must not run while records are on their way into a segment. */
  prune(): void {
    for (const entry of [...this.#byLabels.values()]) if (entry.records === 0) this.#forget(entry)
    this.#byObject = new WeakMap()
  }

  #forget(entry: Entry): void {
    this.#byLabels.delete(entry.labels)
    for (const group of [containerGroup(entry.stream), placeGroup(entry.stream)]) {
      const rest = this.group(group).filter((member) => member !== entry)
      if (rest.length === 0) this.#groups.delete(group)
      else this.#groups.set(group, rest)
    }
  }
}

/** Adds what was counted elsewhere to an entry or to a segment's count of it. */
export function count(to: Counts, from: Readonly<Counts>): void {
  if (from.records === 0) return
  to.first = to.records === 0 || from.first < to.first ? from.first : to.first
  to.last = to.records === 0 || from.last > to.last ? from.last : to.last
  to.records += from.records
}

/** Whether the record came from a foreign sender: it is then known by its chunk, and its ordinal is the store's to give. */
export function isForeign(record: LogRecord): boolean {
  return record.chunk !== '' || record.stream.tag !== ''
}

/** The group of streams within which a record's (source, time, ordinal) must be unique. */
export function groupOf(stream: LogStream, foreign: boolean): string {
  return foreign ? placeGroup(stream) : containerGroup(stream)
}

/** Own records are known by their container, whatever its other labels have become since. */
function containerGroup(stream: LogStream): string {
  return `c\0${stream.containerId}`
}

/** Foreign ones only need a place of their own in the total order. */
function placeGroup(stream: LogStream): string {
  return `p\0${stream.nodeId}\0${stream.containerId}`
}

function labelsOf(stream: LogStream): string {
  const attributes = Object.fromEntries(Object.entries(stream.attributes).sort(([a], [b]) => (a < b ? -1 : 1)))
  return JSON.stringify({
    cluster: stream.cluster,
    nodeId: stream.nodeId,
    nodeName: stream.nodeName,
    stack: stream.stack,
    service: stream.service,
    serviceId: stream.serviceId,
    taskId: stream.taskId,
    taskName: stream.taskName,
    slot: stream.slot,
    containerId: stream.containerId,
    containerName: stream.containerName,
    image: stream.image,
    attributes,
    tag: stream.tag,
  })
}
