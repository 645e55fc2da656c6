import type { LogStream } from './record.ts'

/** Names of a stream's labels in answers (ECS where it has one), in the order in which answers have them. */
export const STREAM_FIELDS = {
  'service.name': 'service',
  'host.name': 'nodeName',
  'host.id': 'nodeId',
  'container.id': 'containerId',
  'container.name': 'containerName',
  'container.image.name': 'image',
  'docker.swarm.cluster.id': 'cluster',
  'docker.swarm.stack.name': 'stack',
  'docker.swarm.service.id': 'serviceId',
  'docker.swarm.task.id': 'taskId',
  'docker.swarm.task.name': 'taskName',
  'docker.swarm.task.slot': 'slot',
  tag: 'tag',
} as const satisfies Record<string, keyof LogStream>

/** A stream's labels by the names of STREAM_FIELDS; empty ones are left out. */
export type StreamFields = { -readonly [Name in keyof typeof STREAM_FIELDS]?: LogStream[(typeof STREAM_FIELDS)[Name]] }

/** The labels of a stream as answers have them. */
export function streamFields(stream: LogStream): StreamFields {
  const present = Object.entries(STREAM_FIELDS).flatMap(([name, label]): [string, string | number][] => {
    const value = stream[label]
    return value === '' || value === 0 ? [] : [[name, value]]
  })
  return Object.fromEntries(present)
}

/** Short names of labels, as questions give them. */
export const SHORT_NAMES = {
  service: 'service',
  node: 'nodeName',
  stack: 'stack',
  task: 'taskName',
  slot: 'slot',
  container: 'containerName',
  image: 'image',
  tag: 'tag',
} as const satisfies Record<string, keyof LogStream>
