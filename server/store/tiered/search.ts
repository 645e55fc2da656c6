import type { StoredRecord } from '../../../shared/record.ts'
import { checkGrep } from '../../query/filter.ts'
import type { Query } from '../../query/query.ts'
import type { Store } from '../store.ts'
import type { ArchiveReader } from './archive-reader.ts'
import { limited, merge } from './merge.ts'
import { searchNewest } from './newest.ts'

/** What both stores have for a query, as one. The archive is not touched before the answer comes to its times. */
export async function* search(
  hot: Pick<Store, 'search'>,
  archive: ArchiveReader,
  query: Query,
  signal?: AbortSignal,
): AsyncGenerator<readonly StoredRecord[]> {
  checkGrep(query.filter)
  if (!reaches(query, archive)) {
    yield* hot.search(query, signal)
    return
  }
  const { newest } = query
  yield* limited(
    newest === undefined
      ? inOrder(hot, archive, query, signal)
      : searchNewest(hot, archive, { ...query, newest }, signal),
    query.limit,
  )
}

/** Whether the archive may have lines that the query asks for. Which lines are the newest does not depend on where a page ended. */
export function reaches(query: Partial<Query>, { range }: Pick<ArchiveReader, 'range'>): boolean {
  if (range === undefined || query.newest === 0) return false
  const { since, until, order } = query
  if ((since !== undefined && since > range.last) || (until !== undefined && until <= range.first)) return false
  const after = query.newest === undefined ? query.after : undefined
  if (after === undefined) return true
  return order === 'asc' ? after.time <= range.last : after.time >= range.first
}

function inOrder(
  hot: Pick<Store, 'search'>,
  archive: ArchiveReader,
  query: Query,
  signal?: AbortSignal,
): AsyncGenerator<readonly StoredRecord[]> {
  const isBefore = ({ time }: StoredRecord): boolean =>
    query.order === 'desc' && archive.range !== undefined && time > archive.range.last
  return merge(hot.search(query, signal), () => archive.search(query, signal), query.order, isBefore)
}
