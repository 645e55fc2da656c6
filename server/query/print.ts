import type { LogStream, StoredRecord } from '../../shared/record.ts'
import { formatTime } from '../../shared/time.ts'
import type { LineFormat } from '../store/store.ts'

/** How lines are printed: the flags of `docker service logs`. */
export interface PrintFlags {
  readonly timestamps: boolean
  readonly details: boolean
  readonly raw: boolean
  /** Names instead of ids. */
  readonly resolve: boolean
  readonly taskids: boolean
  /** Task ids cut to 12 characters. */
  readonly trunc: boolean
}

/** The format of printed lines, byte for byte that of `docker service logs`; `slotWidth` tells how wide the slots of a stream's service are printed. */
export function lineFormat(flags: PrintFlags, slotWidth: (stream: LogStream) => number): LineFormat {
  // A prefix is constant per stream, and streams are few beside lines.
  const prefixes = new WeakMap<LogStream, string>()
  const prefix = (stream: LogStream) => {
    const known = prefixes.get(stream)
    if (known !== undefined) return known
    const text =
      (flags.raw ? '' : origin(flags, stream, slotWidth(stream))) + (flags.details ? details(flags, stream) : '')
    prefixes.set(stream, text)
    return text
  }
  return { timestamps: flags.timestamps, prefix }
}

/** One record as `format` prints it, without the last newline; a message of several lines (foreign senders have them) has its head before each. */
export function printRecord(record: StoredRecord, format: LineFormat): string {
  const head = (format.timestamps ? `${formatTime(record.time)} ` : '') + format.prefix(record.stream)
  return head + (record.message.includes('\n') ? record.message.replaceAll('\n', () => `\n${head}`) : record.message)
}

/** `NAME.SLOT.TASK@NODE PAD| `: the padding aligns the bars of one service's tasks, and stands behind the node. */
function origin(flags: PrintFlags, stream: LogStream, slotWidth: number): string {
  const node = flags.resolve ? stream.nodeName || stream.nodeId : stream.nodeId || stream.nodeName
  const at = node === '' ? '' : `@${node}`
  if (stream.taskId === '') return `${plainName(stream)}${at}    | `
  const service = flags.resolve ? stream.service || stream.serviceId : stream.serviceId || stream.service
  const slot = String(stream.slot)
  const task = flags.taskids ? `.${flags.trunc ? stream.taskId.slice(0, 12) : stream.taskId}` : ''
  const padding = ' '.repeat(Math.max(0, slotWidth - slot.length))
  return `${service}.${slot}${task}${at}${padding}    | `
}

/** A container outside a Swarm goes by its own name: one compose service can have many. */
function plainName(stream: LogStream): string {
  return stream.containerName || stream.service || stream.tag || stream.containerId.slice(0, 12)
}

/** The driver's attributes: decoded and by whole pair for people; query-escaped, by key and with the Swarm's ids when raw, as the engine sends them. */
function details(flags: PrintFlags, stream: LogStream): string {
  if (!flags.raw) {
    const pairs = Object.entries(stream.attributes).map(([key, value]) => `${key}=${value}`)
    return `${pairs.sort(compareBytes).join(',')} `
  }
  const ids = {
    'com.docker.swarm.node.id': stream.nodeId,
    'com.docker.swarm.service.id': stream.serviceId,
    'com.docker.swarm.task.id': stream.taskId,
  }
  const all = Object.entries(stream.taskId === '' ? stream.attributes : { ...stream.attributes, ...ids })
  const sorted = all.sort(([a], [b]) => compareBytes(a, b))
  return `${sorted.map(([key, value]) => `${queryEscape(key)}=${queryEscape(value)}`).join(',')} `
}

/** Go's sort.Strings, which is by UTF-8 bytes. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** Go's url.QueryEscape. */
function queryEscape(text: string): string {
  const escaped = encodeURIComponent(text.toWellFormed())
  return escaped.replace(/%20|[!'()*]/g, (part) =>
    part === '%20' ? '+' : `%${part.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
