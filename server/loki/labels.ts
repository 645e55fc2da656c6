import type { LogRecord, LogStream } from '../../shared/record.ts'

/** Where a stream's labels are from. */
const STREAM_LABELS = {
  cluster: ({ cluster }) => cluster,
  container: ({ containerName, containerId }) => containerName || containerId,
  image: ({ image }) => image,
  node: ({ nodeName, nodeId }) => nodeName || nodeId,
  service: ({ service }) => service,
  slot: ({ slot }) => (slot === 0 ? '' : String(slot)),
  stack: ({ stack }) => stack,
  task: ({ taskName, taskId }) => taskName || taskId,
} as const satisfies Record<string, (stream: LogStream) => string>

/** Labels that all lines of a stream share, in order. */
export const STREAM_NAMES = Object.keys(STREAM_LABELS) as readonly (keyof typeof STREAM_LABELS)[]

/** Labels that each line has of its own. */
export const LINE_NAMES = ['level', 'source'] as const

/** Names that Loki's users know for ours. */
const ALIASES: Readonly<Record<string, string>> = { service_name: 'service', detected_level: 'level', stream: 'source' }

/** What a label is called here. */
export function canonical(label: string): string {
  return ALIASES[label] ?? label
}

/** Labels and their values; those without a value are left out. Names come from lines too: a plain object would know some of them already. */
export type Labels = ReadonlyMap<string, string>

/** Tells the labels of streams and lines; made for one answer, as it remembers what it told. */
export class Labelling {
  readonly #clusterOf: (stream: LogStream) => string
  readonly #streams = new WeakMap<LogStream, Labels>()
  /** Of each stream, by source and level. */
  readonly #lines = new WeakMap<LogStream, Map<string, Labels>>()

  /** `clusterOf` tells a stream's Swarm, which may be known only later than its lines. */
  constructor(clusterOf: (stream: LogStream) => string) {
    this.#clusterOf = clusterOf
  }

  /** The labels that all lines of the stream share. */
  ofStream(stream: LogStream): Labels {
    const known = this.#streams.get(stream)
    if (known !== undefined) return known
    const whole = { ...stream, cluster: this.#clusterOf(stream) }
    const labels = new Map<string, string>()
    for (const name of STREAM_NAMES) {
      const value = STREAM_LABELS[name](whole)
      if (value !== '') labels.set(name, value)
    }
    this.#streams.set(stream, labels)
    return labels
  }

  /** The value of a stream's label, '' when it has none. */
  valueOf(stream: LogStream, label: string): string {
    return this.ofStream(stream).get(canonical(label)) ?? ''
  }

  /** The labels of a line: those of its stream, and its own. */
  ofLine({ stream, source, level }: Pick<LogRecord, 'stream' | 'source' | 'level'>): Labels {
    const lines = this.#lines.get(stream) ?? new Map<string, Labels>()
    this.#lines.set(stream, lines)
    const key = source + level
    const known = lines.get(key)
    if (known !== undefined) return known
    const labels = new Map(this.ofStream(stream)).set('source', source)
    if (level !== '') labels.set('level', level)
    lines.set(key, labels)
    return labels
  }
}

/** Labels as JSON text, in order of their names: the same labels have the same text. */
export function labelsText(labels: Labels): string {
  const names = [...labels.keys()].sort()
  return `{${names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(labels.get(name))}`).join(',')}}`
}

/** Whether the label is one of all lines of a stream. */
export function isStreamLabel(label: string): boolean {
  return canonical(label) in STREAM_LABELS
}

/** Whether lines are stored with the label. */
export function isStored(label: string): boolean {
  return isStreamLabel(label) || canonical(label) === 'source' || canonical(label) === 'level'
}

/** A name that LogQL can speak of: `user.id` is `user_id`. */
export function labelName(field: string): string {
  const name = field.replace(/[^A-Za-z0-9_]/g, '_')
  return /^\d/.test(name) ? `_${name}` : name
}
