import { ATTRIBUTE_LIMITS } from '../shared/forward/own.ts'
import { MAX_MULTILINE, MULTILINE_LABEL } from '../shared/multiline.ts'
import type { LogStream } from '../shared/record.ts'
import { MAX_RETENTION, RETENTION_LABEL } from '../shared/retention.ts'
import type { NodeIdentity, Target } from './target.ts'

const SWARM = 'com.docker.swarm'
const STACK = 'com.docker.stack.namespace'
const COMPOSE = 'com.docker.compose'
/** Ids that Swarm makes. */
const SWARM_ID = /^[0-9a-z]{20,32}$/
/** Longer names are not Docker's. */
const MAX_NAME = 512

/** What makes the labels of a container's lines beside its own description. */
export interface Labelling {
  readonly node: NodeIdentity
  /** Image reference with digest. */
  readonly image: string
  /** The log driver's attributes. */
  readonly attributes: Readonly<Record<string, string>>
}

/** The constant labels of a container's lines. */
export function logStream(
  target: Pick<Target, 'id' | 'name' | 'labels'>,
  { node, image, attributes }: Labelling,
): LogStream {
  const { id, name, labels } = target
  const task = swarmTask(labels)
  const plain = {
    cluster: node.cluster,
    nodeName: node.name,
    containerId: id,
    containerName: name,
    image,
    attributes,
    tag: '',
    ...ownLabels(labels, attributes),
  }
  if (task) return { ...plain, nodeId: labels[`${SWARM}.node.id`] || node.id, ...task }
  const service = cap(labels[`${COMPOSE}.service`]) || name
  const stack = cap(labels[`${COMPOSE}.project`])
  return { ...plain, nodeId: node.id, stack, service, serviceId: '', taskId: '', taskName: '', slot: 0 }
}

/** How a container is called in messages: its service, else its own name. */
export function serviceName(target: Target): string {
  return swarmTask(target.labels)?.service || cap(target.labels[`${COMPOSE}.service`]) || target.name
}

/** Swarm's labels; undefined unless they fit together, for anybody can put such labels on a container. */
function swarmTask(labels: Target['labels']) {
  const serviceId = labels[`${SWARM}.service.id`] ?? ''
  const service = cap(labels[`${SWARM}.service.name`])
  const taskId = labels[`${SWARM}.task.id`] ?? ''
  const taskName = cap(labels[`${SWARM}.task.name`])
  if (!SWARM_ID.test(serviceId) || !SWARM_ID.test(taskId) || !service) return undefined
  // NAME.SLOT.TASK, of a global service NAME.NODE.TASK; NAME may hold dots.
  const suffix = `.${taskId}`
  if (!taskName.startsWith(`${service}.`) || !taskName.endsWith(suffix)) return undefined
  const place = taskName.slice(service.length + 1, -suffix.length)
  const slot = /^[1-9]\d{0,8}$/.test(place) ? Number(place) : 0
  return { stack: cap(labels[STACK]), service, serviceId, taskId, taskName, slot }
}

function cap(name: string | undefined): string {
  return (name ?? '').slice(0, MAX_NAME)
}

/** Where the log driver keeps a label of ours it is among the attributes already, and the stream stays what it was. */
function ownLabels(
  labels: Target['labels'],
  attributes: Labelling['attributes'],
): Pick<LogStream, 'multiline' | 'retention'> {
  const read = (name: string, max: number): string | undefined => {
    const label = labels[name]
    return !label || label.length > max || Object.hasOwn(attributes, name) ? undefined : label
  }
  const multiline = read(MULTILINE_LABEL, MAX_MULTILINE)
  const retention = read(RETENTION_LABEL, MAX_RETENTION)
  return { ...(multiline && { multiline }), ...(retention && { retention }) }
}

/** Puts the digest that the engine knows an image by onto the reference that a container was created with. */
export function imageWithDigest(reference: string, repoDigests: readonly string[]): string {
  if (reference.includes('@')) return reference
  const repository = reference.replace(/:[^/:]*$/, '')
  const exact = repoDigests.find((digest) => digest.startsWith(`${repository}@`)) ?? repoDigests[0]
  return exact ? `${reference}@${exact.slice(exact.indexOf('@') + 1)}` : reference
}

/** Reads the attributes that `details=1` puts before a message: `k=v,k2=v2 `, escaped as in a query; cut to ATTRIBUTE_LIMITS. */
export function parseAttributes(line: string): Record<string, string> {
  const pairs = line.slice(0, Math.max(0, line.indexOf(' '))).replaceAll(',', '&')
  const { count, name, value } = ATTRIBUTE_LIMITS
  const first = [...new URLSearchParams(pairs)].slice(0, count)
  return Object.fromEntries(first.map(([key, text]) => [copyOf(key, name), copyOf(text, value)]))
}

/** The first characters in memory of their own: a slice would keep all of a long text alive. */
function copyOf(text: string, length: number): string {
  return text.length > length ? Buffer.from(text.slice(0, length)).toString() : text
}
