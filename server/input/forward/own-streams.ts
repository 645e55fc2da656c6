import { ATTRIBUTE_LIMITS, type RecordsOption, WIRE_FORMAT } from '../../../shared/forward/own.ts'
import { MAX_MULTILINE } from '../../../shared/multiline.ts'
import type { LogStream } from '../../../shared/record.ts'
import { MAX_RETENTION } from '../../../shared/retention.ts'
import { KINDS } from './headers.ts'
import { shortened } from './label.ts'
import { MsgpackReader, type Value } from './reader.ts'
import { Refusal } from './refusal.ts'

const PLAIN_ALLOWANCE = { keys: 0, values: 0, depth: 0 }
/** Bytes of LogStreams that one connection may have at hand: some thousands, while an agent has one per container of its node. */
const REMEMBERED_BYTES = 8 << 20
const OVERHEAD_BYTES = 1000

const TEXT_LABELS = [
  'cluster',
  'nodeId',
  'nodeName',
  'stack',
  'service',
  'serviceId',
  'taskId',
  'taskName',
  'containerId',
  'containerName',
  'image',
  'tag',
] as const satisfies readonly (keyof LogStream)[]
const LABELS: ReadonlySet<string> = new Set([...TEXT_LABELS, 'slot', 'multiline', 'retention'])

/**
 * Reads the LogStreams of records frames, and gives the same object for the same labels, so that the store finds it fast.
 * What is no LogStream is undefined; entries that refer to it are quarantined.
 */
export class OwnStreams {
  readonly #known = new Map<string, LogStream | undefined>()
  #bytes = 0

  /** Reads the option `swarmlogs` of a records frame (see `RecordsOption`). Throws a Refusal for another format than ours. */
  read(option: Buffer): (LogStream | undefined)[] {
    const reader = new MsgpackReader(option)
    let streams: (LogStream | undefined)[] = []
    let format: Value = null
    for (let left = reader.mapLength(); left > 0; left--) {
      const name = reader.text() as keyof RecordsOption
      if (name === 'format') format = reader.value({ ...PLAIN_ALLOWANCE })
      else if (name === 'streams') streams = this.#streams(reader)
      else reader.skip()
    }
    if (typeof format !== 'number' || format < 1 || format > WIRE_FORMAT)
      throw new Refusal('format', `cannot read wire format ${String(format)}; update the server before the agents`)
    return streams
  }

  #streams(reader: MsgpackReader): (LogStream | undefined)[] {
    const streams: (LogStream | undefined)[] = []
    for (let left = reader.arrayLength(); left > 0; left--) {
      const start = reader.position
      reader.skip()
      streams.push(this.#stream(reader.bytes.subarray(start, reader.position)))
    }
    return streams
  }

  #stream(bytes: Buffer): LogStream | undefined {
    const key = bytes.toString('latin1')
    if (this.#known.has(key)) return this.#known.get(key)
    if (this.#bytes > REMEMBERED_BYTES) {
      this.#known.clear()
      this.#bytes = 0
    }
    const stream = decodeStream(bytes)
    this.#known.set(key, stream)
    this.#bytes += 2 * bytes.length + OVERHEAD_BYTES
    return stream
  }
}

function decodeStream(bytes: Buffer): LogStream | undefined {
  try {
    return readStream(new MsgpackReader(bytes))
  } catch (error) {
    if (error instanceof Refusal) return undefined
    throw error
  }
}

function readStream(reader: MsgpackReader): LogStream | undefined {
  const labels = new Map<string, Value>()
  let attributes: LogStream['attributes'] = {}
  for (let left = reader.mapLength(); left > 0; left--) {
    const name = reader.text()
    if (name === 'attributes') attributes = readAttributes(reader)
    else if (LABELS.has(name)) labels.set(name, reader.value({ ...PLAIN_ALLOWANCE }))
    else reader.skip()
  }
  return streamOf(labels, attributes)
}

function streamOf(labels: ReadonlyMap<string, Value>, attributes: LogStream['attributes']): LogStream | undefined {
  const texts: Partial<Record<(typeof TEXT_LABELS)[number], string>> = {}
  for (const name of TEXT_LABELS) {
    const value = labels.get(name) ?? ''
    if (typeof value !== 'string') return undefined
    texts[name] = shortened(value)
  }
  const slot = labels.get('slot') ?? 0
  if (typeof slot !== 'number' || !Number.isInteger(slot) || slot < 0 || texts.containerId === '') return undefined
  const multiline = labels.get('multiline') ?? ''
  const retention = labels.get('retention') ?? ''
  if (typeof multiline !== 'string' || typeof retention !== 'string') return undefined
  // A regex that is cut is another one, and so is a duration.
  const start = multiline === '' || multiline.length > MAX_MULTILINE ? {} : { multiline }
  const kept = retention === '' || retention.length > MAX_RETENTION ? {} : { retention }
  return Object.freeze({
    ...start,
    ...kept,
    ...(texts as Record<(typeof TEXT_LABELS)[number], string>),
    slot,
    attributes,
  })
}

/** Any container can have any labels: what is too much of them is cut, as the lines must be stored all the same. */
function readAttributes(reader: MsgpackReader): LogStream['attributes'] {
  const entries = new Map<string, string>()
  const isNil = reader.isNil
  if (isNil) reader.skip()
  for (let left = isNil ? 0 : reader.mapLength(); left > 0; left--) {
    if (entries.size < ATTRIBUTE_LIMITS.count) {
      const name = shortened(stringOf(reader), ATTRIBUTE_LIMITS.name)
      entries.set(name, shortened(stringOf(reader), ATTRIBUTE_LIMITS.value))
    } else {
      reader.skip()
      reader.skip()
    }
  }
  // fromEntries defines properties, so that a label named __proto__ is one like any other.
  return Object.freeze(Object.fromEntries(entries))
}

function stringOf(reader: MsgpackReader): string {
  if (reader.kind !== KINDS.STR) throw new Refusal('entry', 'cannot read an attribute that is no text')
  return reader.text()
}
