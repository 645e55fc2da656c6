import { STREAM_FIELDS } from '../../../shared/fields.ts'
import type { LogStream } from '../../../shared/record.ts'
import { sanitisedTag } from '../forward/foreign-streams.ts'
import { shortened } from '../forward/label.ts'
import { STREAMS } from './limits.ts'

/** Labels as a body or a line gives them. */
export type Labels = { -readonly [Name in Exclude<keyof LogStream, 'attributes'>]?: LogStream[Name] }

/** Names that labels may have in a line: those of answers, and short ones. */
const NAMES: Readonly<Record<string, keyof Labels>> = {
  ...STREAM_FIELDS,
  ...{ service: 'service', stack: 'stack', node: 'nodeName', host: 'nodeName', hostname: 'nodeName' },
  ...{ container: 'containerName', container_name: 'containerName', container_id: 'containerId' },
  ...{ image: 'image', task: 'taskName', slot: 'slot' },
}

type Json = Record<string, unknown>

/** Takes the labels out of a line; one that is of another form stays among its fields. `service: {name}` counts as `service.name`. */
export function takeLabels(line: Json): Labels {
  const labels: Labels = {}
  for (const [name, label] of Object.entries(NAMES)) {
    const found = find(line, name)
    if (found === undefined || labels[label] !== undefined) continue
    if (!set(labels, label, found.value)) continue
    delete found.holder[found.name]
  }
  return labels
}

function find(line: Json, name: string): { holder: Json; name: string; value: unknown } | undefined {
  if (Object.hasOwn(line, name)) return { holder: line, name, value: line[name] }
  let holder = line
  const parts = name.split('.')
  const last = parts.pop() ?? ''
  for (const part of parts) {
    const inner = Object.hasOwn(holder, part) ? holder[part] : undefined
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return undefined
    holder = inner as Json
  }
  return parts.length > 0 && Object.hasOwn(holder, last) ? { holder, name: last, value: holder[last] } : undefined
}

function set(labels: Labels, label: keyof Labels, value: unknown): boolean {
  if (label === 'slot') {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 1e9) return false
    labels.slot = value
    return true
  }
  if (typeof value !== 'string' || value === '') return false
  labels[label] = shortened(value)
  return true
}

/** Makes the streams of one body: the same object for the same labels, so that the store finds it fast. */
export class Streams {
  readonly #known = new Map<string, LogStream>()
  readonly #common: Labels
  readonly #sender: string

  /** `common` are the labels of lines that say nothing else; `sender` is the node of those that name none. */
  constructor(common: Labels, sender: string) {
    this.#common = common
    this.#sender = sender
  }

  stream(labels: Labels): LogStream {
    const key = JSON.stringify(labels)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    if (this.#known.size >= STREAMS) this.#known.clear()
    const stream = streamOf({ ...this.#common, ...labels }, this.#sender)
    this.#known.set(key, stream)
    return stream
  }
}

/** A tag there always is: it marks lines that no agent of ours sent. */
function streamOf(labels: Labels, sender: string): LogStream {
  const { nodeName = sender, nodeId = nodeName, containerName = '' } = labels
  const tag = sanitisedTag(labels.tag ?? '') || 'ndjson'
  return Object.freeze({
    ...{ cluster: labels.cluster ?? '', nodeId, nodeName, stack: labels.stack ?? '' },
    ...{ service: labels.service ?? (containerName || tag), serviceId: labels.serviceId ?? '' },
    ...{ taskId: labels.taskId ?? '', taskName: labels.taskName ?? '', slot: labels.slot ?? 0 },
    ...{ containerId: labels.containerId ?? '', containerName, image: labels.image ?? '' },
    ...{ attributes: {}, tag },
  })
}
