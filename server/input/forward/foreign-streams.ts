import type { LogStream } from '../../../shared/record.ts'
import { shortened } from './label.ts'
import { TAG_LENGTH } from './limits.ts'

/** Bytes of LogStreams that one connection may have at hand, and what each takes besides its labels. */
const REMEMBERED_BYTES = 2 << 20
const OVERHEAD_BYTES = 1000
/** `service.slot.task` or, of a global service, `service.node.task`: ids of 25 characters. */
const TASK_NAME = /^(.{1,200})\.(\d{1,9}|[a-z0-9]{25})\.([a-z0-9]{25})$/
const ID = /^[a-z0-9]{25}$/

/** What a foreign record says about where it comes from; labels that are not too long. */
export interface Origin {
  readonly tag: string
  readonly containerId: string
  readonly containerName: string
  /** Stack namespace, as the driver's `labels` option adds it. */
  readonly stack: string
}

/** Makes the LogStreams of one foreign sender; the same object for the same origin, so that the store finds it fast. */
export class ForeignStreams {
  readonly #sender: string
  readonly #known = new Map<string, LogStream>()
  #bytes = 0

  /** @param sender the name that the client gave in its PING, else its address. */
  constructor(sender: string) {
    this.#sender = sender
  }

  stream(origin: Origin): LogStream {
    const key = [origin.tag, origin.containerId, origin.containerName, origin.stack].join('\0')
    const known = this.#known.get(key)
    if (known !== undefined) return known
    if (this.#bytes > REMEMBERED_BYTES) {
      this.#known.clear()
      this.#bytes = 0
    }
    const stream = streamOf(this.#sender, origin)
    this.#known.set(key, stream)
    this.#bytes += 2 * key.length + OVERHEAD_BYTES
    return stream
  }
}

/** A tag as a label: `[A-Za-z0-9._/-]`, at most 1,024 characters, no `..`; it never becomes a path or a name of a file all the same. */
export function sanitisedTag(tag: string): string {
  return shortened(tag, TAG_LENGTH)
    .replaceAll(/[^A-Za-z0-9._/-]/g, '_')
    .replaceAll('..', '__')
}

function streamOf(sender: string, origin: Origin): LogStream {
  const containerName = origin.containerName.replace(/^\//, '')
  const task = TASK_NAME.exec(containerName)
  const [service, place, taskId] = task === null ? [containerName || origin.tag || sender, '', ''] : task.slice(1)
  // A stack's services are named after it, so that a label alone cannot claim one.
  const stack = task !== null && origin.stack !== '' && service?.startsWith(`${origin.stack}_`) ? origin.stack : ''
  return Object.freeze({
    cluster: '',
    nodeId: sender,
    nodeName: sender,
    stack,
    service: service ?? '',
    serviceId: '',
    taskId: taskId ?? '',
    taskName: task === null ? '' : containerName,
    slot: place === undefined || place === '' || ID.test(place) ? 0 : Number(place),
    containerId: origin.containerId,
    containerName,
    image: '',
    attributes: {},
    tag: origin.tag,
  })
}
