import type { Label } from '../../shared/query/ast.ts'
import type { LogStream } from '../../shared/record.ts'

/** A label of a stream that is text. */
export type StreamLabel = Exclude<Label, 'source' | 'level' | 'message' | 'slot'>

/** What a label says: its names, and the id whose beginning may stand for it; '' for none. */
export interface LabelTexts {
  readonly names: readonly string[]
  readonly id: string
}

/** The texts that a query's condition on a label is about, none when it is missing. */
export function labelTexts(label: StreamLabel, stream: LogStream): LabelTexts {
  const { names, id = '' } = TEXTS[label](stream)
  const present = names.filter((name) => name !== '')
  return { names: id === '' ? present : [...present, id], id }
}

const TEXTS: Readonly<Record<StreamLabel, (stream: LogStream) => { names: readonly string[]; id?: string }>> = {
  cluster: ({ cluster }) => ({ names: [], id: cluster }),
  service: ({ service, stack }) => ({ names: withAndWithout(service, stack) }),
  stack: ({ stack }) => ({ names: [stack] }),
  task: taskTexts,
  node: ({ nodeName, nodeId }) => ({ names: [nodeName], id: nodeId }),
  image: ({ image }) => ({ names: imageNames(image) }),
  tag: ({ tag }) => ({ names: [tag] }),
  container: ({ containerName, containerId }) => ({ names: [containerName], id: containerId }),
}

function taskTexts({ taskName, taskId, stack }: LogStream): { names: readonly string[]; id: string } {
  const head = taskId !== '' && taskName.endsWith(`.${taskId}`) ? taskName.slice(0, -taskId.length - 1) : taskName
  return { names: [taskName, ...withAndWithout(head, stack)], id: taskId }
}

function withAndWithout(name: string, stack: string): readonly string[] {
  return stack !== '' && name.startsWith(`${stack}_`) ? [name, name.slice(stack.length + 1)] : [name]
}

/** `registry:5000/nginx:1@sha256:0`, `registry:5000/nginx:1` and `registry:5000/nginx`. */
function imageNames(image: string): readonly string[] {
  const [reference = ''] = image.split('@')
  return [image, reference, reference.replace(/:[^/:]*$/, '')]
}
