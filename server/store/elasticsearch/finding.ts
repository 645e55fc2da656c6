import { lineMatches, looksAtLines, messageMatches, streamMatches } from '../../query/filter.ts'
import type { Filter } from '../../query/query.ts'
import { positionOfSource } from './arrivals.ts'
import { RECORD_MEMBERS, recordOf, type Source, streamOf } from './documents.ts'
import { sortOf, sortValuesOf } from './dsl.ts'
import { noteId } from './notes.ts'
import { type Hit, pages } from './pages.ts'
import type { Parts } from './parts.ts'
import type { Sieve } from './sieve.ts'
import type { Entry } from './streams.ts'
import { wholeLines } from './whole.ts'

/** A line that was found, without its long texts. */
export interface Found {
  readonly hit: Hit<Source>
  readonly entry: Entry
}

/** A search on its way: what all of its walks share. */
export interface Running {
  readonly parts: Parts
  readonly filter: Filter
  readonly indices: readonly string[]
  readonly hasOdd: boolean
  readonly filters: readonly object[]
  /** Where the filters would also take lines of streams that are not known yet: the ids of the chosen ones. */
  readonly only: ReadonlySet<string> | undefined
  /** The filters that are not about what lines say; they take the chosen streams alone. */
  readonly outer: readonly object[]
  /** What the index says about the rest. */
  readonly sieve: Sieve
  readonly signal: AbortSignal
}

/** One walk of a search. */
export interface Course {
  readonly order: 'asc' | 'desc'
  readonly filters: readonly object[]
  readonly members: readonly string[]
  readonly wanted: number
  readonly after?: readonly (string | number)[] | undefined
  /** Another order than the total one, and the place of a line in it. */
  readonly sort?: readonly object[]
  readonly placeOf?: (found: Found) => (string | number)[]
}

/** Walks through the lines that meet the search's conditions and the walk's own; in their messages the text asked for was seen. */
export async function* find(running: Running, course: Course): AsyncGenerator<readonly Found[]> {
  const { parts, indices, hasOdd, filter, signal } = running
  const { order, members, wanted, after, sort, placeOf = (found: Found) => sortPlace(found, hasOdd) } = course
  const entryOf = (hit: Hit<Source>): Entry => known(parts, hit)
  const walk = {
    indices,
    query: { bool: { filter: [...running.filters, ...course.filters] } },
    sort: sort ?? sortOf(order, hasOdd),
    members: filter.where === undefined ? members : [...new Set([...members, ...RECORD_MEMBERS])],
    wanted,
    isSifted: looksAtLines(filter),
    after,
    signal,
  }
  const learn = (hits: readonly Hit<Source>[]): Promise<void> => learnStreams(parts, hits)
  for await (const hits of pages<Source>(parts.requests, walk, learn, (hit) => placeOf({ hit, entry: entryOf(hit) }))) {
    const chosen = ofChosen(running, hits)
    const matching = looksAtLines(filter) ? await matchingHits(running, chosen) : chosen
    if (matching.length > 0) yield matching.map((hit) => ({ hit, entry: entryOf(hit) }))
  }
}

function sortPlace({ hit, entry }: Found, hasOdd: boolean): (string | number)[] {
  return sortValuesOf(positionOfSource(hit._source, entry), hasOdd)
}

/** Of a stream that became known with its first lines it is for us to say whether it is wanted. */
function ofChosen({ parts, filter, only }: Running, hits: readonly Hit<Source>[]): readonly Hit<Source>[] {
  if (only === undefined) return hits
  const isChosen = (hit: Hit<Source>): boolean =>
    only.has(hit._source['swarmlogs.stream']) || streamMatches(filter, known(parts, hit).stream)
  return hits.every(isChosen) ? hits : hits.filter(isChosen)
}

/** The index answers with lines that may match; what matches is for us to say. */
async function matchingHits(
  { parts, filter, signal }: Running,
  hits: readonly Hit<Source>[],
): Promise<readonly Hit<Source>[]> {
  const matching = new Set<string>()
  for await (const whole of wholeLines(parts.requests, hits, signal)) {
    for (const hit of whole) {
      if (isWanted(parts, filter, hit)) matching.add(`${hit._index}/${hit._id}`)
    }
  }
  return hits.filter(({ _index, _id }) => matching.has(`${_index}/${_id}`))
}

function isWanted(parts: Parts, filter: Filter, hit: Hit<Source>): boolean {
  const { _source } = hit
  if (filter.where !== undefined) return lineMatches(filter, recordOf(_source, known(parts, hit)))
  return messageMatches(filter, _source['swarmlogs.whole'] ?? _source.message)
}

function known({ streams }: Parts, hit: Hit<Source>): Entry {
  const entry = streams.ofId(hit._source['swarmlogs.stream'])
  if (entry === undefined) throw new Error('BUG: a line of a stream that was not looked up')
  return entry
}

/** Makes the streams of lines known that another server took in a moment ago. */
export async function learnStreams(
  { streams, notes, requests }: Pick<Parts, 'streams' | 'notes' | 'requests'>,
  hits: readonly Hit<Source>[],
): Promise<void> {
  const missing = new Map<string, Hit<Source>>()
  for (const hit of hits) {
    const id = hit._source['swarmlogs.stream']
    if (streams.ofId(id) === undefined) missing.set(id, hit)
  }
  if (missing.size === 0) return
  const labels = await notes.readAll([...missing.keys()].map((id) => noteId('stream', id)))
  for (const [index, [id, { _index, _id }]] of [...missing].entries()) {
    const text = labels[index]
    if (text !== undefined) streams.ofLabels(text)
    else {
      // The note is lost: the line itself has all labels but the attributes of the log driver.
      const { _source } = await requests.send<{ _source: Record<string, unknown> }>(
        'GET',
        `/${_index}/_doc/${encodeURIComponent(_id)}`,
      )
      streams.adopt(id, streamOf(_source))
    }
  }
}
