import type { LogStream } from '../../shared/record.ts'
import type { Scope } from '../query/query.ts'
import type { Facet } from '../store/store.ts'
import { eachEvent } from './count.ts'
import type { Lines } from './lines.ts'

/** Counts the events that begin within a scope as `Store.facets` counts lines; each has its own level, the most severe of its lines. */
export async function eventFacets(store: Lines, scope: Scope, signal: AbortSignal): Promise<readonly Facet[]> {
  const found = new Map<LogStream, Map<string, Facet>>()
  await eachEvent(store, scope, signal, ({ stream, source, level }) => {
    const ofStream = found.get(stream) ?? new Map<string, Facet>()
    found.set(stream, ofStream)
    const key = `${source} ${level}`
    ofStream.set(key, { stream, source, level, records: (ofStream.get(key)?.records ?? 0) + 1 })
  })
  return [...found.values()].flatMap((ofStream) => [...ofStream.values()])
}
