import { hash } from 'node:crypto'
import type { Logger } from 'pino'
import type { Gap } from '../../../shared/gap.ts'
import { type GapRange, GapTable, gapKey, MAX_GAPS } from '../gap-table.ts'
import { gapOf, gapText } from '../gap-text.ts'
import type { Bulk } from './bulk.ts'
import { textForm } from './form.ts'
import type { Freshness } from './freshness.ts'
import type { Indices } from './indices.ts'
import type { Insist } from './insist.ts'
import type { Names } from './names.ts'
import type { Requests } from './requests.ts'
import { clampTime } from './times.ts'

const PAGE = 2000
/** How many gaps are written before they are counted again. */
const COUNT_EVERY = 1000
const SHIFT = 2n ** 63n

/** What the gaps are written and read with. */
export interface GapsParts {
  readonly requests: Requests
  readonly bulk: Bulk
  readonly insist: Insist
  readonly freshness: Freshness
  readonly names: Names
  readonly indices: Indices
  readonly log: Logger
  /** By default MAX_GAPS. */
  readonly maxGaps?: number
}

interface Hits {
  readonly hits?: {
    readonly hits?: readonly { readonly _id: string; readonly _source: { data: string }; readonly sort: [string] }[]
  }
}

interface Found {
  readonly id: string
  readonly gap: Gap
}

/** The gaps, each a document of an index of their own, by its identity. */
export class Gaps {
  readonly #parts: GapsParts
  #hasIndex = false
  #uncounted = COUNT_EVERY

  constructor(parts: GapsParts) {
    this.#parts = parts
  }

  /** Resolves when they are durable; tries until they are. Throws SWARMLOGS_STORE_UNAVAILABLE when the store is closed meanwhile. */
  async append(gaps: readonly Gap[]): Promise<void> {
    if (gaps.length === 0) return
    await this.#parts.insist.on(() => this.#ensure())
    await this.#write(gaps)
    this.#uncounted += gaps.length
    if (this.#uncounted < COUNT_EVERY) return
    this.#uncounted = 0
    await this.#parts.insist.on(() => this.#bound())
  }

  /** Those of which some lies in the range, in order. Throws what the requests throw. */
  async in(range: GapRange): Promise<Gap[]> {
    const { since, until } = range
    const filter = [
      ...(since === undefined ? [] : [{ range: { to: { gte: String(clampTime(since)) } } }]),
      ...(until === undefined ? [] : [{ range: { from: { lt: String(clampTime(until)) } } }]),
    ]
    return (await this.#find(filter)).map(({ gap }) => gap)
  }

  /** Deletes those that end before this. */
  async expire(before: bigint): Promise<void> {
    const ended = await this.#find([{ range: { to: { lt: String(clampTime(before)) } } }])
    await this.#delete(ended.map(({ id }) => id))
  }

  async #ensure(): Promise<void> {
    if (this.#hasIndex) return
    const { indices, names } = this.#parts
    await indices.ensure(names.gaps)
    this.#hasIndex = true
  }

  async #write(gaps: readonly Gap[]): Promise<void> {
    const { bulk, freshness, names, log } = this.#parts
    const documents = gaps.map((gap) => ({ index: names.gaps, id: idOf(gapKey(gap)), text: documentOf(gap) }))
    freshness.wrote(names.gaps)
    const outcomes = await bulk.write(documents, textForm('index'))
    for (const outcome of outcomes.values()) {
      // It would be refused the next time, too, and hold up the lines behind it.
      if (typeof outcome === 'object') log.error({ reason: outcome.refused }, 'gap is refused by Elasticsearch')
    }
    freshness.wrote(names.gaps)
  }

  /** Makes neighbours one when there are too many. */
  async #bound(): Promise<void> {
    const { requests, names, maxGaps = MAX_GAPS } = this.#parts
    await this.#parts.freshness.see([names.gaps])
    const { count } = await requests.send<{ count: number }>('GET', `/${names.gaps}/_count`)
    if (count <= maxGaps) return
    const change = new GapTable(maxGaps).put((await this.#find([])).map(({ gap }) => gap))
    await this.#write(change.written)
    await this.#delete(change.removed.map(idOf))
  }

  async #find(filter: readonly object[]): Promise<Found[]> {
    const { requests, freshness, names } = this.#parts
    await freshness.see([names.gaps])
    const found: Found[] = []
    for (let after: string | undefined; ; ) {
      const { hits } = await requests.send<Hits>('POST', `/${names.gaps}/_search`, {
        body: {
          ...{ size: PAGE, sort: [{ order: 'asc' }], query: { bool: { filter } }, track_total_hits: false },
          ...(after !== undefined && { search_after: [after] }),
        },
        query: {
          filter_path: 'hits.hits._id,hits.hits._source,hits.hits.sort',
          // Without gaps there is no index.
          ignore_unavailable: true,
          allow_partial_search_results: false,
        },
      })
      const page = hits?.hits ?? []
      for (const { _id, _source } of page) found.push({ id: _id, gap: gapOf(_source.data) })
      after = page.at(-1)?.sort[0]
      if (page.length < PAGE) return found
    }
  }

  async #delete(ids: readonly string[]): Promise<void> {
    const { requests, freshness, names } = this.#parts
    for (let at = 0; at < ids.length; at += PAGE) {
      const lines = ids.slice(at, at + PAGE).map((id) => `{"delete":{"_index":"${names.gaps}","_id":"${id}"}}\n`)
      await requests.send('POST', '/_bulk', { lines: lines.join('') })
    }
    if (ids.length > 0) freshness.wrote(names.gaps)
  }
}

function idOf(key: string): string {
  return hash('sha256', key, 'base64url')
}

function documentOf(gap: Gap): string {
  const order = `${(clampTime(gap.from) + SHIFT).toString(16).padStart(16, '0')} ${idOf(gapKey(gap))}`
  // Numbers of 64 bits, which JSON.stringify cannot write.
  const times = `"from":${clampTime(gap.from)},"to":${clampTime(gap.to)}`
  return `{${times},"order":"${order}","data":${JSON.stringify(gapText(gap))}}`
}
