import { createHash } from 'node:crypto'
import type { LogRecord, LogStream } from '../../../shared/record.ts'
import { labelsOf } from '../labels.ts'
import type { StreamSummary } from '../store.ts'

/** How the names of groups begin: what follows is the container id, or the length of the node id, then it, then the container id. */
const CONTAINER_GROUP = 'c\0'
const PLACE_GROUP = /^p(\d+)\0(.*)$/s

/** One stream of the catalog, in memory: its labels once, and what the segments together hold of it. */
export interface Entry extends Counts {
  readonly stream: LogStream
}

/** How many records, and the times of the first and the last; these mean nothing when there are none. */
export interface Counts {
  records: number
  first: bigint
  last: bigint
}

/** Streams of one service, node or image share the texts of their labels. */
class Texts {
  #known = new Map<string, string>()
  #attributes = new Map<string, LogStream['attributes']>()

  shared(stream: LogStream): LogStream {
    const { taskName, containerName } = stream
    return Object.freeze({
      cluster: this.#text(stream.cluster),
      nodeId: this.#text(stream.nodeId),
      nodeName: this.#text(stream.nodeName),
      stack: this.#text(stream.stack),
      service: this.#text(stream.service),
      serviceId: this.#text(stream.serviceId),
      taskId: stream.taskId,
      taskName,
      slot: stream.slot,
      containerId: stream.containerId,
      // A task's container has the task's name.
      containerName: containerName === taskName ? taskName : containerName,
      image: this.#text(stream.image),
      attributes: this.#attributesOf(stream.attributes),
      tag: this.#text(stream.tag),
      ...(stream.multiline && { multiline: this.#text(stream.multiline) }),
      ...(stream.retention && { retention: this.#text(stream.retention) }),
    })
  }

  /** Later streams share anew; those that are there keep what they have. */
  forget(): void {
    this.#known = new Map()
    this.#attributes = new Map()
  }

  #text(text: string): string {
    const known = this.#known.get(text)
    if (known === undefined) this.#known.set(text, text)
    return known ?? text
  }

  #attributesOf(attributes: LogStream['attributes']): LogStream['attributes'] {
    const key = JSON.stringify(attributes)
    const known = this.#attributes.get(key)
    if (known === undefined) this.#attributes.set(key, attributes)
    return known ?? attributes
  }
}

/** The catalog of streams: equal labels are one entry, found fast by the object that carries them. */
export class Streams {
  /** By a digest of the canonical labels: the text of each would take more memory than all else that is kept of a stream. */
  readonly #byDigest = new Map<string, Entry>()
  readonly #texts = new Texts()
  /** Senders reuse the LogStream object of a batch, so that most look-ups need no JSON. */
  #byObject = new WeakMap<LogStream, Entry>()
  /** By container id; the place group of a foreign sender is a part of it. */
  readonly #groups = new Map<string, Entry | Entry[]>()

  get size(): number {
    return this.#byDigest.size
  }

  intern(stream: LogStream): Entry {
    const known = this.#byObject.get(stream)
    if (known !== undefined) return known
    const entry = this.ofLabels(labelsOf(stream))
    this.#byObject.set(stream, entry)
    return entry
  }

  ofLabels(labels: string): Entry {
    const digest = digestOf(labels)
    const known = this.#byDigest.get(digest)
    if (known !== undefined) return known
    const entry: Entry = { stream: this.#texts.shared(JSON.parse(labels)), records: 0, first: 0n, last: 0n }
    this.#byDigest.set(digest, entry)
    const { containerId } = entry.stream
    const members = this.#members(containerId)
    this.#groups.set(containerId, members.length === 0 ? entry : [...members, entry])
    return entry
  }

  /** The entries of a group (see `groupOf`); empty when there are none. */
  group(group: string): readonly Entry[] {
    const [, length, ids = ''] = PLACE_GROUP.exec(group) ?? []
    if (length === undefined) return this.#members(group.slice(CONTAINER_GROUP.length))
    const nodeId = ids.slice(0, Number(length))
    return this.#members(ids.slice(Number(length))).filter(({ stream }) => stream.nodeId === nodeId)
  }

  #members(containerId: string): readonly Entry[] {
    const members = this.#groups.get(containerId) ?? []
    return Array.isArray(members) ? members : [members]
  }

  entries(): IterableIterator<Entry> {
    return this.#byDigest.values()
  }

  summaries(): StreamSummary[] {
    const result: StreamSummary[] = []
    for (const { stream, records, first, last } of this.#byDigest.values()) {
      if (records > 0) result.push({ stream, records, first, last })
    }
    return result
  }

  /** Counts anew over the segments' own counts. */
  recount(segments: Iterable<ReadonlyMap<Entry, Counts>>): void {
    for (const entry of this.#byDigest.values()) entry.records = 0
    for (const streams of segments) for (const [entry, counts] of streams) count(entry, counts)
  }

  /** Forgets the entries that nothing is held of. Must not run while records are on their way into a segment. */
  prune(): void {
    for (const entry of [...this.#byDigest.values()]) if (entry.records === 0) this.#forget(entry)
    this.#byObject = new WeakMap()
    this.#texts.forget()
  }

  #forget(entry: Entry): void {
    this.#byDigest.delete(digestOf(labelsOf(entry.stream)))
    const { containerId } = entry.stream
    const rest = this.#members(containerId).filter((member) => member !== entry)
    if (rest.length === 0) this.#groups.delete(containerId)
    else this.#groups.set(containerId, rest)
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
  return `${CONTAINER_GROUP}${stream.containerId}`
}

/** Foreign ones only need a place of their own in the total order. */
function placeGroup(stream: LogStream): string {
  return `p${stream.nodeId.length}\0${stream.nodeId}${stream.containerId}`
}

/** 128 bits as 16 characters of one byte each. */
function digestOf(labels: string): string {
  return createHash('sha256').update(labels).digest().toString('latin1', 0, 16)
}
