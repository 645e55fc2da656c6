import { SHORT_NAMES, STREAM_FIELDS } from '../../shared/fields.ts'
import type { LogStream, StoredRecord } from '../../shared/record.ts'
import { badParameter } from '../problem.ts'
import { HISTOGRAM_KEYS, type HistogramKey } from '../store/histogram.ts'
import type { Facet } from '../store/store.ts'

/** How many bytes a line has, as its container printed it. */
const BYTES = 'message.bytes'

/** What a label or a field of a line can hold. */
export type Scalar = string | number | boolean

/** Names the fields of a line where a label has the same name. */
const LINE_PREFIX = 'fields.'

/** What a question names: something that is known of each line, or a field of the line itself. */
export type NamedField =
  | {
      readonly kind: 'label'
      readonly name: string
      /** What a histogram counts by for it, where there is such a thing. */
      readonly key?: HistogramKey
      readonly valueOf: (facet: Pick<Facet, 'stream' | 'level' | 'source'>) => Scalar | undefined
    }
  | {
      readonly kind: 'line'
      readonly name: string
      readonly valueOf: (record: Pick<StoredRecord, 'fields' | 'message' | 'cutFrom'>) => Scalar | undefined
    }

const LEVEL = ['level', 'log.level']
const SOURCE = ['source', 'log.iostream']
const LABELS: ReadonlyMap<string, keyof LogStream> = new Map(Object.entries({ ...SHORT_NAMES, ...STREAM_FIELDS }))

/** Finds what a name stands for: a label by its short name or that of answers, else a field of lines. `clusterOf` tells a stream's Swarm. */
export function namedField(name: string, clusterOf: (stream: LogStream) => string): NamedField {
  if (LEVEL.includes(name)) return { kind: 'label', name, key: 'level', valueOf: ({ level }) => level || undefined }
  if (SOURCE.includes(name)) return { kind: 'label', name, key: 'source', valueOf: ({ source }) => source }
  if (name === 'cluster' || name === 'docker.swarm.cluster.id')
    return { kind: 'label', name, valueOf: ({ stream }) => clusterOf(stream) || undefined }
  if (name === BYTES) return { kind: 'line', name, valueOf: bytesOf }
  const label = LABELS.get(name)
  if (label === undefined) return lineField(name.startsWith(LINE_PREFIX) ? name.slice(LINE_PREFIX.length) : name)
  const key = HISTOGRAM_KEYS.find((known) => known === name)
  return { kind: 'label', name, ...(key && { key }), valueOf: ({ stream }) => scalarOf(stream[label]) || undefined }
}

/** Finds what lines are counted apart by: one field, or several. Throws a Problem where two names were given as one. */
export function fieldOfBy(
  name: string,
  takes: 'one' | 'several',
  clusterOf: (stream: LogStream) => string,
): NamedField {
  if (!name.includes(',') || name.startsWith(LINE_PREFIX)) return namedField(name, clusterOf)
  const [one = '', other = ''] = name.split(',', 2).map((part) => part.trim())
  const remedy =
    takes === 'several' ? `give by twice, by=${one} and by=${other}` : `give one field, by=${one} or by=${other}`
  const message = `cannot count apart by '${name}': ${remedy}; one with a comma in its name is ${LINE_PREFIX}${name}`
  throw badParameter('by', message)
}

/** Which of two values with the same text is shown: the number or truth value, whichever line was read first. */
export function shownOf<Value extends Scalar | null>(one: Value, other: Value): Value {
  return typeof one === 'string' ? other : one
}

/** The label's names, as `fields` lists them. */
export const LABEL_NAMES = ['level', 'source', ...Object.keys(SHORT_NAMES), 'cluster']

function bytesOf({ message, cutFrom }: Pick<StoredRecord, 'message' | 'cutFrom'>): number {
  return cutFrom || Buffer.byteLength(message)
}

function lineField(name: string): NamedField {
  const head = `${JSON.stringify(name)}:`
  return {
    kind: 'line',
    name,
    // Most lines have not most fields: to look is cheaper than to parse.
    valueOf: ({ fields }) => (fields.includes(head) ? scalarOf(lineFields(fields)[name]) : undefined),
  }
}

let parsedText = ''
let parsed: Readonly<Record<string, unknown>> = {}

/** The fields of a line; several are mostly asked for in a row. */
export function lineFields(text: string): Readonly<Record<string, unknown>> {
  if (text === parsedText) return parsed
  parsed = text === '' ? {} : JSON.parse(text)
  parsedText = text
  return parsed
}

function scalarOf(value: unknown): Scalar | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined
}
