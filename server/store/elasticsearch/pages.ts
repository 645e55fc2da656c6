import { unavailable } from '../unavailable.ts'
import { failureOf, messageOf, typeOf } from './failure.ts'
import type { Requests } from './requests.ts'

/** Lines of the first page when all are wanted. */
const FIRST_PAGE = 1_000
const MIN_PAGE = 100
const MAX_PAGE = 5_000
const KEEP_ALIVE = '2m'
/** Elasticsearch reads each line once more to leave out what stands beside it: of few lines that costs more than it saves. */
const MAX_UNFILTERED = 1_000
/** How often one page is asked for before a walk gives up. */
const MAX_ATTEMPTS = 4
/** One for all walks, as making it takes long. */
const LEFT: unknown = AbortSignal.abort().reason

/** A line that was found, and where. */
export interface Hit<S> {
  readonly _index: string
  readonly _id: string
  readonly _source: S
}

/** What to walk through. */
export interface Walk {
  readonly indices: readonly string[]
  readonly query: object
  readonly sort: readonly object[]
  readonly members: readonly string[]
  /** As `search_after` takes it. */
  readonly after?: readonly (string | number)[] | undefined
  /** How many lines are wanted, as far as is known; infinite when all are. */
  readonly wanted: number
  /** The caller leaves out some of them. */
  readonly isSifted?: boolean
  readonly signal: AbortSignal
}

interface Answer<S> {
  readonly pit_id?: string
  readonly hits?: { readonly hits?: readonly Hit<S>[] }
}

/**
 * Walks through lines page by page, the next one under way while one is worked on. What more than one page is read through a point in time, so
 * that an index that expires meanwhile ends the walk instead of leaving a hole. When that is lost (its node went away) the walk goes on behind
 * its last line: the lines of a walk are fixed by when they were committed. `learn` is told of each page before places are asked for.
 */
export async function* pages<S>(
  requests: Requests,
  walk: Walk,
  learn: (hits: readonly Hit<S>[]) => Promise<void>,
  placeOf: (hit: Hit<S>) => readonly (string | number)[],
): AsyncGenerator<readonly Hit<S>[]> {
  const reader = new PageReader<S>(requests, walk)
  try {
    let count = 0
    let next = reader.read(walk.after)
    for (;;) {
      const hits = await next
      await learn(hits)
      const last = hits.at(-1)
      count += hits.length
      if (last === undefined || hits.length < reader.size) {
        if (last !== undefined) yield hits
        return
      }
      // Beyond what is wanted a page is only read when the caller asks for it; if it did so once because too little was left, it mostly will again.
      const isAhead = count < walk.wanted || (walk.isSifted === true && count > reader.firstSize)
      const ahead = isAhead ? reader.grow(placeOf(last)) : undefined
      // Whoever leaves the walk does not wait for what was asked for in vain.
      ahead?.catch(() => undefined)
      yield hits
      next = ahead ?? reader.grow(placeOf(last))
    }
  } finally {
    reader.close()
  }
}

class PageReader<S> {
  readonly #requests: Requests
  readonly #walk: Walk
  readonly #left = new AbortController()
  readonly #signal: AbortSignal
  readonly firstSize: number
  #pit: string | undefined
  size: number

  constructor(requests: Requests, walk: Walk) {
    this.#requests = requests
    this.#walk = walk
    this.#signal = AbortSignal.any([walk.signal, this.#left.signal])
    this.firstSize = walk.wanted <= MAX_PAGE ? Math.max(walk.wanted, walk.isSifted ? MIN_PAGE : 1) : FIRST_PAGE
    this.size = this.firstSize
  }

  /** Reads the next page, of more lines. */
  grow(after: readonly (string | number)[]): Promise<readonly Hit<S>[]> {
    this.size = Math.min(Math.max(this.size * 4, MIN_PAGE), MAX_PAGE)
    return this.read(after)
  }

  async read(after: readonly (string | number)[] | undefined): Promise<readonly Hit<S>[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        if (after !== this.#walk.after) this.#pit ??= await this.#openPit()
        return await this.#search(after)
      } catch (error) {
        await this.#mend(error, attempt)
      }
    }
  }

  close(): void {
    this.#left.abort(LEFT)
    if (this.#pit === undefined) return
    // Nobody waits for this; it ends by itself after a while.
    this.#requests.send('DELETE', '/_pit', { body: { id: this.#pit } }).catch(() => undefined)
  }

  async #search(after: readonly (string | number)[] | undefined): Promise<readonly Hit<S>[]> {
    const { indices, query, sort, members } = this.#walk
    const pit = this.#pit
    const { hits, pit_id } = await this.#requests.send<Answer<S>>(
      'POST',
      pit === undefined ? `/${indices.join(',')}/_search` : '/_search',
      {
        body: {
          size: this.size,
          query,
          sort,
          track_total_hits: false,
          _source: members,
          ...(after && { search_after: after }),
          ...(pit !== undefined && { pit: { id: pit, keep_alive: KEEP_ALIVE } }),
        },
        query: {
          ...(this.size > MAX_UNFILTERED && { filter_path: 'pit_id,hits.hits._index,hits.hits._id,hits.hits._source' }),
          allow_partial_search_results: false,
          ...(pit === undefined && { ignore_unavailable: true }),
        },
        signal: this.#signal,
      },
    )
    if (pit !== undefined) this.#pit = pit_id ?? pit
    return hits?.hits ?? []
  }

  async #openPit(): Promise<string> {
    const { id } = await this.#requests.send<{ id: string }>('POST', `/${this.#walk.indices.join(',')}/_pit`, {
      query: { keep_alive: KEEP_ALIVE },
      signal: this.#signal,
    })
    return id
  }

  /** Makes the next attempt possible, or throws. */
  async #mend(error: unknown, attempt: number): Promise<void> {
    const failure = failureOf(error)
    if (failure === 'aborted') throw error
    if (failure === 'too-large' && this.size > 1) {
      this.size = Math.ceil(this.size / 8)
      return
    }
    if (failure === 'missing' && typeOf(error) === 'index_not_found_exception') {
      throw unavailable('go on: records expired while they were read; ask again with a later start', error)
    }
    if (attempt === MAX_ATTEMPTS || failure === 'refused') throw unavailable(`search now: ${messageOf(error)}`, error)
    this.#pit = undefined
  }
}
