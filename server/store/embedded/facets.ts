import type { Scope } from '../../query/query.ts'
import type { Facet } from '../store.ts'
import { numberColumn } from './columns.ts'
import type { ReadParts } from './parts.ts'
import { levelOf, sourceOf } from './schema.ts'
import { countAt, tally } from './tally.ts'

const GROUP = 'c.idx * 16 + l.level::INTEGER * 2 + l.source::INTEGER'

/** The lines of a scope by stream, source and level; see Store. */
export async function facets(parts: ReadParts, scope: Scope, signal?: AbortSignal): Promise<Facet[]> {
  return tally(parts, scope, { group: GROUP }, signal, async (rows) => {
    // Streams are numbered anew when it begins anew.
    const found = new Map<number, Facet>()
    for await (const { chunk, chosen } of rows) {
      const groupOf = numberColumn(chunk, 1)
      for (let row = 0; row < chunk.rowCount; row++) {
        const group = groupOf(row)
        const stream = chosen[Math.floor(group / 16)]?.stream
        if (stream === undefined) throw new Error('BUG: a line of a stream that was not chosen')
        const records = (found.get(group)?.records ?? 0) + countAt(chunk, row)
        found.set(group, { stream, source: sourceOf(group % 2), level: levelOf(Math.floor((group % 16) / 2)), records })
      }
    }
    return [...found.values()]
  })
}
