import type { LogStream } from '../../shared/record.ts'
import { say } from './say.ts'

/** Says on stderr that a task came or went: `+ web.2.lfap0icnqswi@node1`. */
export function taskNote(
  change: 'comes' | 'goes',
  stream: Pick<LogStream, 'service' | 'slot' | 'taskId' | 'containerName' | 'nodeName'>,
): void {
  const { service, slot, taskId, containerName, nodeName } = stream
  const name = taskId === '' ? containerName : `${service}.${slot}.${taskId.slice(0, 12)}`
  say(`${change === 'comes' ? '+' : '-'} ${name}${nodeName === '' ? '' : `@${nodeName}`}`)
}
