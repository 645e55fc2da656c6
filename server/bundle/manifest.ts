import type { ApiCompleteness } from '../../shared/api/completeness.ts'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { LogStream } from '../../shared/record.ts'
import { damaged } from './tar.ts'

/** The version of the layout of bundles. */
export const BUNDLE_FORMAT = 1
export const MANIFEST = 'manifest.json'
/** Members beside the lines. */
export const MEMBERS = {
  readme: 'README.txt',
  gaps: 'gaps.ndjson',
  notes: 'notes.ndjson',
  inventory: 'inventory.json',
  completeness: 'completeness.json',
  knowledge: 'knowledge.json',
} as const
const LINES = /^lines\/\d{5}\.parquet$/
const MAX_MEMBERS = 100_000

const TEXT_LABELS = [
  ...(['cluster', 'nodeId', 'nodeName', 'stack', 'service', 'serviceId', 'taskId', 'taskName'] as const),
  ...(['containerId', 'containerName', 'image', 'tag'] as const),
] as const

/** Lines of one stream: its number, how many, and the times of the first and the last (nanoseconds since 1970). */
export type StreamLines = readonly [number: number, lines: number, first: string, last: string]

/** One file of a bundle. */
export interface Member {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
  /** Of a file of lines: how many there are, and of which streams. */
  readonly lines?: number
  readonly streams?: readonly StreamLines[]
}

/** What a bundle is, and what must be in it. Times are nanoseconds since 1970, as decimal text. */
export interface Manifest {
  readonly format: number
  readonly parquet: number
  /** What the incident is called. */
  readonly name: string
  readonly saved: string
  readonly savedBy: string
  readonly savedFrom: string
  readonly version: string
  /** The store that the lines are of, and the newest commit that they were looked for in. */
  readonly store: { readonly id: string; readonly epoch: number; readonly received: string }
  /** What was asked for: parameters of /api/v1/search. */
  readonly question: readonly (readonly [name: string, value: string])[]
  readonly since: string
  readonly until: string
  /** The line that the incident is about. */
  readonly around: { readonly cursor: string; readonly time: string } | null
  readonly lines: number
  readonly gaps: number
  readonly notes: number
  readonly verdict: ApiCompleteness['verdict']
  readonly streams: readonly LogStream[]
  readonly members: readonly Member[]
}

/** Whether a file of this name can be in a bundle of whatever version: it leads nowhere else. */
export function isPlainName(name: string): boolean {
  return /^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/.test(name)
}

/** Whether a bundle of this version can have a file of this name. */
export function isMemberName(name: string): boolean {
  return name === MANIFEST || LINES.test(name) || Object.values<string>(MEMBERS).includes(name)
}

/** Name of the file with the lines of a number, from 1. */
export function linesName(number: number): string {
  if (number >= MAX_MEMBERS) throw new Error('BUG: a bundle of over a hundred thousand files')
  return `lines/${String(number).padStart(5, '0')}.parquet`
}

/** Reads a manifest. Throws SWARMLOGS_STORE_DAMAGED. @param mustBeKnown throws when a newer version wrote it: then all else may look otherwise. */
export function parseManifest(text: string, mustBeKnown: (manifest: Manifest) => void = () => {}): Manifest {
  let manifest: Manifest
  try {
    manifest = JSON.parse(text)
    mustBeKnown(manifest)
    check(manifest)
  } catch (cause) {
    if (cause instanceof SwarmlogsError) throw cause
    throw damaged('its manifest cannot be read', cause)
  }
  return manifest
}

function check({ format, name, store, streams, members, lines, question, since, until, saved }: Manifest): void {
  const times = [since, until, saved, store.received]
  const isRight =
    [typeof format, typeof lines].every((type) => type === 'number') &&
    [name, store.id, ...times].every((text) => typeof text === 'string') &&
    times.every((time) => /^-?\d{1,19}$/.test(time)) &&
    [streams, members, question].every(Array.isArray) &&
    members.every(isMember) &&
    streams.every(isStream)
  if (!isRight) throw new Error('it lacks what every manifest has')
}

function isMember({ name, bytes, sha256, lines, streams }: Member): boolean {
  const isLines = LINES.test(name)
  return (
    isMemberName(name) &&
    Number.isSafeInteger(bytes) &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    (!isLines || (Number.isSafeInteger(lines) && Array.isArray(streams)))
  )
}

function isStream({ slot, attributes, ...labels }: LogStream): boolean {
  const texts = TEXT_LABELS.map((name) => labels[name])
  const areTexts = [...texts, ...Object.values(attributes)].every((text) => typeof text === 'string')
  return areTexts && Number.isSafeInteger(slot) && slot >= 0
}
