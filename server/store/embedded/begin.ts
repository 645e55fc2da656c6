import { Lease } from '../../archive/lease.ts'
import type { Scope } from '../../query/query.ts'
import { requiredTexts } from '../../query/required.ts'
import type { Reader } from './engine.ts'
import { candidatesIn, type Rows } from './grams/candidates.ts'
import { linesReady } from './grams/sql.ts'
import type { Running } from './newest.ts'
import type { ReadParts } from './parts.ts'
import type { Pass } from './repair.ts'
import { MAX_TIME, MIN_TIME, sourceCode } from './schema.ts'
import { type Part, Selection } from './selection.ts'
import type { Candidates, Slice } from './slices.ts'
import { checkRegexes, whereOf } from './where.ts'

/** A scope whose end is known. */
export type Bound = Scope & { readonly receivedUpTo: bigint }

/** Yields what `work` yields on the segments that may have lines of the scope; they stay as long as that takes. */
export async function* onSegments<T>(
  parts: ReadParts,
  pass: Pass,
  scope: Bound,
  signal: AbortSignal | undefined,
  work: (running: Running) => AsyncGenerator<T>,
): AsyncGenerator<T> {
  const reader = await parts.engine.lease(signal)
  const segments = parts.segments.all
  pass.segments = segments
  for (const segment of segments) segment.pin()
  const lease = new Lease(signal)
  try {
    const running = await begin(parts, pass, scope, { reader, lease })
    if (running !== undefined) yield* work(running)
  } finally {
    lease.release()
    for (const segment of segments) segment.unpin()
    reader.release()
  }
}

/** What is held on to until the work is done. */
interface Held {
  readonly reader: Reader
  readonly lease: Lease
}

/** Finds the streams and segments that the scope is about; undefined when there are none. */
async function begin(
  parts: ReadParts,
  pass: Pass,
  scope: Bound,
  { reader, lease }: Held,
): Promise<Running | undefined> {
  const { filter, receivedAfter, receivedUpTo, since = MIN_TIME, until = MAX_TIME } = scope
  const segments = pass.segments.filter((segment) => segment.received > (receivedAfter ?? -1n))
  const selection = Selection.of(filter, parts.streams, segments, { since, until })
  if (selection.parts.length === 0) return undefined
  await reader.use((connection) => selection.write(connection))
  const where =
    filter.where &&
    whereOf(
      filter.where,
      selection.chosen.map(({ stream }) => stream),
    )
  if (filter.where !== undefined) await checkRegexes(filter.where, reader)
  const sources = filter.sources.map(sourceCode)
  const conditions = { since, until, sources, hasGrep: filter.grep !== '', where, receivedAfter }
  const values = [receivedUpTo, ...(filter.grep === '' ? [] : [filter.grep])]
  const onSlice = async (slice: Slice): Promise<void> => {
    pass.slice = slice
    lease.release()
    for (const part of slice.parts) await linesReady(part, slice, lease)
  }
  const size = { bytes: parts.sliceBytes, maxScale: pass.maxScale }
  const texts = requiredTexts(filter)
  let known: Promise<Candidates> | undefined
  const candidates = (): Promise<Candidates> => {
    known ??= findCandidates(selection.parts, texts, { since, until })
    return known
  }
  return { reader, selection, conditions, values, onSlice, size, candidates }
}

async function findCandidates(
  parts: readonly Part[],
  texts: readonly string[],
  times: { readonly since: bigint; readonly until: bigint },
): Promise<Candidates> {
  const candidates = new Map<number, readonly Rows[]>()
  if (texts.length === 0) return candidates
  for (const part of parts) {
    // Without its signatures all rows are read.
    const rows = await candidatesIn(part, texts, times).catch(() => doubt(part))
    if (rows !== undefined) candidates.set(part.index, rows)
  }
  return candidates
}

/** Has the index of a segment be looked at again, as it is not what it was: it is made anew then, that of an archived day fetched. */
export function doubt({ segment: { archived, grams } }: Part): undefined {
  archived?.doubtWords()
  grams.forget()
}
