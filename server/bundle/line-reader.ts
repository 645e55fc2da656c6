import type { ApiCompleteness } from '../../shared/api/completeness.ts'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { Level, LogStream, Source } from '../../shared/record.ts'

const NEWLINE = 0x0a
/** A line of 1 MiB with its fields, as JSON, in the worst of cases. */
const MAX_BYTES = 32 * 1024 * 1024

/** A record as the archive form of a search tells it. */
export type ArchivedTuple = readonly [
  stream: number,
  source: Source,
  time: string,
  received: string,
  ordinal: number,
  level: Level,
  cutFrom: number,
  headMissing: 0 | 1,
  message: string,
  fields: string,
]

/** The other lines of that form. */
export interface ArchivedHead {
  readonly store: { readonly id: string; readonly epoch: number }
  readonly received: string
}
export interface ArchivedLabels {
  readonly stream: number
  readonly labels: LogStream
}
export interface ArchivedEnd {
  readonly end: true
  readonly cursor: string | null
  readonly stopped?: string
  readonly completeness: ApiCompleteness
}
export type ArchivedItem = ArchivedTuple | ArchivedHead | ArchivedLabels | { readonly gap: unknown } | ArchivedEnd

/** Reads the archive form of a search. Throws when it says that it was interrupted, or is none. */
export async function* readArchived(pieces: AsyncIterable<Buffer>): AsyncGenerator<ArchivedItem[]> {
  let held: Buffer[] = []
  let bytes = 0
  for await (const piece of pieces) {
    const end = piece.lastIndexOf(NEWLINE)
    bytes += piece.length
    if (bytes > MAX_BYTES && end < 0) throw broken()
    if (end < 0) {
      held.push(piece)
      continue
    }
    const text = Buffer.concat([...held, piece.subarray(0, end)]).toString()
    held = [piece.subarray(end + 1)]
    bytes = piece.length - end - 1
    yield text.split('\n').map(itemOf)
  }
  if (bytes > 0) throw broken()
}

function itemOf(line: string): ArchivedItem {
  let item: ArchivedItem & { readonly error?: { readonly message: string } }
  try {
    item = JSON.parse(line)
  } catch (cause) {
    throw broken(cause)
  }
  if (item.error !== undefined) throw new SwarmlogsError('SWARMLOGS_STORE_UNAVAILABLE', item.error.message)
  return item
}

function broken(cause?: unknown): SwarmlogsError {
  const options = cause === undefined ? undefined : { cause }
  return new SwarmlogsError(
    'SWARMLOGS_PROTOCOL',
    'cannot take all lines: the answer ended too early; save again',
    options,
  )
}
