import type { StoredRecord } from '../../../shared/record.ts'
import { EVERYTHING } from '../../query/query.ts'
import { RECORD_MEMBERS } from './documents.ts'
import { find } from './finding.ts'
import type { Parts } from './parts.ts'
import { chunkPlaceOf } from './rows.ts'
import { records } from './search.ts'
import { allOf } from './sieve.ts'

/** All lines of indices of days, in order; those of the indices must be visible. The chunks that foreign ones are of are noted meanwhile. */
export async function* linesOf(
  parts: Parts,
  indices: readonly string[],
  chunks: Map<string, number>,
  signal: AbortSignal,
): AsyncGenerator<readonly StoredRecord[]> {
  const running = {
    parts,
    filter: EVERYTHING,
    indices,
    hasOdd: false,
    outer: [],
    filters: [],
    only: undefined,
    sieve: allOf([]),
    signal,
  }
  const course = { order: 'asc', filters: [], members: RECORD_MEMBERS, wanted: Number.POSITIVE_INFINITY } as const
  for await (const found of find(running, course)) {
    for (const { hit } of found) noteChunk(chunks, hit._id)
    yield* records(running, found)
  }
}

function noteChunk(chunks: Map<string, number>, id: string): void {
  const place = chunkPlaceOf(id)
  if (place !== undefined) chunks.set(place.chunk, Math.max(chunks.get(place.chunk) ?? 0, place.index))
}

/** How many lines indices have; what was written to them is visible then. */
export async function countOf({ requests }: Parts, indices: readonly string[]): Promise<number> {
  await requests.send('POST', `/${indices.join(',')}/_refresh`)
  const { count, _shards } = await requests.send<{ count: number; _shards: { failed: number } }>(
    'POST',
    `/${indices.join(',')}/_count`,
  )
  if (_shards.failed > 0) throw new Error('some of its shards cannot be read')
  return count
}
