import type { LogStream } from '../../shared/record.ts'

/** Whose newest N are counted apart: what is no task goes by its container, or by the tag of its sender. */
export function taskKey({ taskId, containerId, tag }: LogStream): string {
  if (taskId !== '') return `t${taskId}`
  return containerId === '' ? `f${tag}` : `c${containerId}`
}

/** The labels of a stream as canonical JSON; equal text means the same stream. */
export function labelsOf(stream: LogStream): string {
  const attributes = Object.fromEntries(Object.entries(stream.attributes).sort(([a], [b]) => (a < b ? -1 : 1)))
  return JSON.stringify({
    ...{ cluster: stream.cluster, nodeId: stream.nodeId, nodeName: stream.nodeName, stack: stream.stack },
    ...{ service: stream.service, serviceId: stream.serviceId, taskId: stream.taskId, taskName: stream.taskName },
    ...{ slot: stream.slot, containerId: stream.containerId, containerName: stream.containerName },
    ...{ image: stream.image, attributes, tag: stream.tag },
    // Streams that have none are called as they were before there were such labels.
    ...(stream.multiline && { multiline: stream.multiline }),
    ...(stream.retention && { retention: stream.retention }),
  })
}
