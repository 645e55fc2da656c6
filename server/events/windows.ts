import { type LogStream, type Position, positionOf } from '../../shared/record.ts'
import type { Query, Scope } from '../query/query.ts'
import { greater, smaller } from '../store/bigint.ts'
import { outputsOf } from './group.ts'
import { BEFORE, SPAN } from './limits.ts'
import type { Lines } from './lines.ts'
import { pivotOf, streamsOf } from './pivot.ts'

/** With so many lines in one window that may belong to what is looked for, it is not worth looking for them. */
const MAX_CANDIDATES = 2_000

/** So many of them are read at a time. */
const PAGE = 1_000

/** A line that may belong to what is looked for; its text, which may be long, is not held. */
interface Candidate {
  readonly position: Position
  readonly stream: LogStream
}

/** A time in which events that may match begin, and whose they are. */
interface Window {
  readonly from: bigint
  to: bigint
  readonly outputs: Set<string>
  candidates: number
}

/**
 * The ranges of time, in order, within which events that the scope's filter takes can begin: found by a line that each of them must have. Their
 * filters take all lines of the streams in question.
 */
export async function* windowsOf(store: Lines, scope: Scope, signal: AbortSignal): AsyncGenerator<Scope> {
  const all = { ...scope, filter: streamsOf(scope.filter) }
  const pivot = pivotOf(scope.filter)
  if (pivot === undefined) return yield all
  let window: Window | undefined
  let after: Position | undefined
  do {
    const query = { ...candidatesOf(scope), filter: pivot, order: 'asc' as const, limit: PAGE, ...(after && { after }) }
    after = undefined
    const candidates = await read(store, query, signal)
    for (const candidate of candidates) {
      const { time } = candidate.position
      const from = greater(time - SPAN, scope.since ?? time - SPAN)
      // What would be read twice is read at once.
      if (window === undefined || from > window.to + BEFORE + SPAN) {
        if (window !== undefined) yield within(all, window)
        window = { from, to: time, outputs: new Set(), candidates: 0 }
      }
      take(window, candidate)
      if (window.candidates > MAX_CANDIDATES) return yield { ...all, since: window.from }
    }
    if (candidates.length >= PAGE) after = candidates.at(-1)?.position
  } while (after !== undefined)
  if (window !== undefined) yield within(all, window)
}

/** Reads to the end of a search: one that is held while the windows are searched would keep these waiting for its place in the store. */
async function read(store: Lines, query: Query, signal: AbortSignal): Promise<Candidate[]> {
  const found: Candidate[] = []
  for await (const lines of store.search(query, signal)) {
    for (const line of lines) found.push({ position: positionOf(line), stream: line.stream })
  }
  return found
}

/** The lines that an event which begins in the range can have. */
export function candidatesOf({ until, ...scope }: Scope): Scope {
  return { ...scope, ...(until !== undefined && { until: until + SPAN }) }
}

function take(window: Window, { position, stream }: Candidate): void {
  window.to = position.time
  window.outputs.add(outputsOf(stream))
  window.candidates++
}

function within(scope: Scope, { from, to, outputs }: Window): Scope {
  const { accepts } = scope.filter
  const filter: Scope['filter'] = {
    ...scope.filter,
    accepts: (stream) => outputs.has(outputsOf(stream)) && (accepts?.(stream) ?? true),
  }
  return { ...scope, filter, since: from, until: smaller(to + 1n, scope.until ?? to + 1n) }
}
