import { hash } from 'node:crypto'
import { streamFields } from '../../../shared/fields.ts'
import type { LogStream } from '../../../shared/record.ts'
import { labelsOf } from '../labels.ts'

/** Keys longer than this (an index takes 32,766 bytes) end in a digest. */
const MAX_KEY = 16_000

/** One stream as lines refer to it. */
export interface Entry {
  readonly stream: LogStream
  /** The labels as canonical JSON; equal text means the same stream. */
  readonly labels: string
  /** Digest of the labels. */
  readonly id: string
  /** Place of its node and container in the total order. */
  readonly owner: string
  /** The labels as the members of a line's document, ready to be written. */
  readonly members: Uint8Array
  /** Digest of the container id, with which the ids of its lines begin. */
  readonly container: Uint8Array
  /** What its container's two sources are called in notes. */
  readonly stdout: string
  readonly stderr: string
  /** The day on which its note in the cluster was last renewed by this server; '' when it was not. */
  renewed: string
}

/** The streams that this server knows: found by the object that carries the labels, by the labels, or by their digest. */
export class Streams {
  readonly #byId = new Map<string, Entry>()
  /** Senders reuse the LogStream object of a batch, so that most look-ups need no JSON. */
  #byObject = new WeakMap<LogStream, Entry>()

  intern(stream: LogStream): Entry {
    const known = this.#byObject.get(stream)
    if (known !== undefined) return known
    const entry = this.ofLabels(labelsOf(stream))
    this.#byObject.set(stream, entry)
    return entry
  }

  ofLabels(labels: string): Entry {
    return this.#add(hash('sha256', labels, 'buffer').subarray(0, 12).toString('base64url'), labels)
  }

  /** Takes a stream whose labels are no more known in full. */
  adopt(id: string, stream: LogStream): Entry {
    return this.#add(id, labelsOf(stream))
  }

  #add(id: string, labels: string): Entry {
    const known = this.#byId.get(id)
    if (known !== undefined) return known
    const stream: LogStream = Object.freeze(JSON.parse(labels))
    const owner = ownerKey(stream.nodeId, stream.containerId)
    const members = Buffer.from(membersOf(stream, id, owner))
    const container = hash('sha256', stream.containerId, 'buffer')
    const [stdout, stderr] = [`${stream.containerId}.stdout`, `${stream.containerId}.stderr`]
    const entry = { stream, labels, id, owner, members, container, stdout, stderr, renewed: '' }
    this.#byId.set(id, entry)
    return entry
  }

  ofId(id: string): Entry | undefined {
    return this.#byId.get(id)
  }

  entries(): IterableIterator<Entry> {
    return this.#byId.values()
  }

  /** Forgets a stream of which nothing is stored any more. */
  forget(entry: Entry): void {
    this.#byId.delete(entry.id)
    this.#byObject = new WeakMap()
  }
}

/** Node id and container id as a key whose bytes sort as the code units of the two do: ASCII as it is, the rest escaped. */
export function ownerKey(nodeId: string, containerId: string): string {
  // The space between them is less than all that an id is written with.
  const key = `${sortable(nodeId)} ${sortable(containerId)}`
  return key.length <= MAX_KEY ? key : `${key.slice(0, MAX_KEY)}~${hash('sha256', key)}`
}

function sortable(text: string): string {
  return text.replace(/[^"-}]/g, (letter) => {
    const code = letter.charCodeAt(0)
    return code < 0x22 ? `!${hex(code, 2)}` : `~${hex(code, 4)}`
  })
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0')
}

/** The labels by their ECS names, and what we find the line by. */
function membersOf(stream: LogStream, id: string, owner: string): string {
  const fields = Object.entries(streamFields(stream)).map(([name, value]) => member(name, value))
  return [...fields, member('swarmlogs.stream', id), member('swarmlogs.owner', owner)].join(',')
}

function member(name: string, value: string | number): string {
  return `${JSON.stringify(name)}:${JSON.stringify(typeof value === 'string' ? value.toWellFormed() : value)}`
}
