import type { LogStream } from '../../shared/record.ts'
import type { Engine } from '../tail/engine.ts'

/** A log that an engine can be asked for, and whose it is. */
export interface Origin {
  readonly stream: LogStream
  readonly engine: Engine
  /** Of a container of the engine's own node; undefined: the engine, a manager, asks the task's node for it. */
  readonly containerId: string | undefined
  readonly isRunning: boolean
  /** Only told of tasks; a container is inspected when it is read. */
  readonly tty: boolean
}

/** What a log is known by while it is followed. */
export function keyOf({ stream }: Origin): string {
  return stream.taskId || stream.containerId
}

/** The path of the log. */
export function pathOf({ containerId, stream }: Origin): string {
  return containerId === undefined ? `/tasks/${stream.taskId}/logs` : `/containers/${containerId}/logs`
}
