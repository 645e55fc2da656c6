import { hash } from 'node:crypto'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { LogStream } from '../../shared/record.ts'

/** The version of the layout of an archived day. */
export const ARCHIVE_FORMAT = 1
export const MANIFEST = 'manifest.json'
/** The same again: without a manifest a day could not be read. */
export const MANIFEST_COPY = 'manifest.copy.json'
/** What tells in which lines of a day a text can be; it can be made anew. */
export const WORDS = 'words'
/** Foreign senders' chunks with lines in the day, by which they are known when they are sent again. */
export const CHUNKS = 'chunks.parquet'
const LINES = /^lines-\d{5}\.parquet$/
/** What stands between a manifest and its hash. */
const SUM = ',"sha256":"'
const DAY = /^\d{4}-\d\d-\d\d$/

/** Lines of one stream of a day: its number, how many, times of the first and last, newest commit, oldest commit of lines whose clock ran ahead (or ''), bytes of text. */
export type StreamCounts = readonly [
  number: number,
  lines: number,
  first: string,
  last: string,
  received: string,
  ahead: string,
  text: number,
]

/** What a file is known by. */
export type Sealed = Pick<LinesFile, 'bytes' | 'sha256'>

/** A Parquet file of lines: of one row group, sorted by stream and time; files follow each other in time. */
export interface LinesFile {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
  readonly lines: number
  /** Times of its first and last line. */
  readonly first: string
  readonly last: string
}

/** What an archived day is, and what must be in it. Times and commits are nanoseconds since 1970, as decimal text. */
export interface DayManifest {
  readonly format: number
  /** UTC day, 2026-11-21. */
  readonly day: string
  /** Counts up each time that the day is sealed, from 1. */
  readonly generation: number
  readonly sealed: string
  readonly version: string
  /** The store that the lines are of, and the newest commit that they were read up to. */
  readonly store: { readonly id: string; readonly received: string }
  /** What it takes the place of in the hot store: names of segments, or ids of indices. */
  readonly replaces: readonly string[]
  readonly lines: number
  /** Bytes of all messages, in UTF-8. */
  readonly messageBytes: number
  /** Labels, by the numbers that lines have for them. */
  readonly streams: readonly LogStream[]
  readonly counts: readonly StreamCounts[]
  readonly files: readonly LinesFile[]
  readonly words: Sealed
  readonly chunks: Sealed | null
  /** As JSON texts, see store/gap-text.ts. */
  readonly gaps: readonly string[]
}

/** Name of the file with the lines of a number, from 1. */
export function linesName(number: number): string {
  return `lines-${String(number).padStart(5, '0')}.parquet`
}

/** Whether a file of this name has lines. */
export function isLinesName(name: string): boolean {
  return LINES.test(name)
}

/** Name of the folder of an archived day. */
export function folderName({ day, generation }: Pick<DayManifest, 'day' | 'generation'>): string {
  return `${day}.${generation}`
}

/** What a folder of this name would be; undefined when it is none of an archived day. */
export function parseFolderName(name: string): { day: string; generation: number } | undefined {
  const [, day, generation] = /^(\d{4}-\d\d-\d\d)\.([1-9]\d{0,8})$/.exec(name) ?? []
  return day === undefined ? undefined : { day, generation: Number(generation) }
}

/** Files of an archived day, as the manifest has them; the manifest itself not among them. */
export function membersOf({ files, words, chunks }: DayManifest): readonly (Sealed & { readonly name: string })[] {
  return [...files, { name: WORDS, ...words }, ...(chunks === null ? [] : [{ name: CHUNKS, ...chunks }])]
}

/** A manifest as it is written: with the sha256 of all before it at its end. */
export function manifestText(manifest: DayManifest): string {
  const text = JSON.stringify(manifest).slice(0, -1)
  return `${text}${SUM}${hash('sha256', text)}"}`
}

/** Reads a manifest. Throws SWARMLOGS_STORE_DAMAGED, or _STORE_NEWER when a newer version wrote it. @param from as messages name it. */
export function parseManifest(text: string, from: string): DayManifest {
  try {
    const { sha256, ...manifest }: DayManifest & { sha256: string } = JSON.parse(text)
    // Of whatever version: a flipped byte must not make it one that is newer.
    const end = text.lastIndexOf(SUM)
    if (end < 0 || hash('sha256', text.slice(0, end)) !== sha256) throw new Error('its SHA-256 is not that in it')
    if (manifest.format > ARCHIVE_FORMAT) {
      const why = `it was written by a newer swarmlogs (${manifest.version}); start that version or a newer one`
      throw new SwarmlogsError('SWARMLOGS_STORE_NEWER', `cannot read the archive's ${from}: ${why}`)
    }
    if (!isRight(manifest)) throw new Error('it lacks what every manifest has')
    return manifest
  } catch (cause) {
    if (cause instanceof SwarmlogsError) throw cause
    throw new SwarmlogsError('SWARMLOGS_STORE_DAMAGED', `cannot read the archive's ${from}: it is damaged`, { cause })
  }
}

function isRight({
  day,
  generation,
  store,
  replaces,
  lines,
  messageBytes,
  streams,
  counts,
  files,
  words,
  gaps,
}: DayManifest): boolean {
  return (
    DAY.test(day) &&
    [generation, lines, messageBytes, words.bytes].every(Number.isSafeInteger) &&
    isTime(store.received) &&
    [replaces, streams, counts, files, gaps].every(Array.isArray) &&
    files.every(isFile) &&
    files.reduce((sum, file) => sum + file.lines, 0) === lines &&
    counts.every(([number, , first, last]) => number < streams.length && isTime(first) && isTime(last))
  )
}

function isFile({ name, bytes, sha256, lines, first, last }: LinesFile): boolean {
  return (
    LINES.test(name) &&
    [bytes, lines].every(Number.isSafeInteger) &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    [first, last].every(isTime)
  )
}

function isTime(text: string): boolean {
  return /^-?\d{1,19}$/.test(text)
}
