import type { Scope } from '../../query/query.ts'
import type { Facet } from '../store.ts'
import type { Grouping } from './counts-sql.ts'
import { groupOf, partsOfGroup } from './grams/word-counts.ts'
import type { ReadParts } from './parts.ts'
import { levelOf, sourceOf } from './schema.ts'
import { tally } from './tally.ts'

const GROUP: Grouping = {
  sql: 'c.idx * 16 + l.level::INTEGER * 2 + l.source::INTEGER',
  of: ({ index, level, source }) => groupOf(index, level, source),
}

/** The lines of a scope by stream, source and level; see Store. */
export async function facets(parts: ReadParts, scope: Scope, signal?: AbortSignal): Promise<Facet[]> {
  return tally(parts, scope, { group: GROUP }, signal, async (all) => {
    // Streams are numbered anew when it begins anew.
    const found = new Map<number, Facet>()
    for await (const { counts, chosen } of all) {
      for (const { group, lines } of counts) {
        const { stream: index, level, source } = partsOfGroup(group)
        const stream = chosen[index]?.stream
        if (stream === undefined) throw new Error('BUG: a line of a stream that was not chosen')
        const records = (found.get(group)?.records ?? 0) + lines
        found.set(group, { stream, source: sourceOf(source), level: levelOf(level), records })
      }
    }
    return [...found.values()]
  })
}
