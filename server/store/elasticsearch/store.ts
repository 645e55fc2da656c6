import { SwarmlogsError } from '../../../shared/errors.ts'
import type { Gap } from '../../../shared/gap.ts'
import type { LogRecord, StoredRecord } from '../../../shared/record.ts'
import type { Query, Scope } from '../../query/query.ts'
import type { GapRange } from '../gap-table.ts'
import type { HistogramBucket, HistogramWish } from '../histogram.ts'
import { Printer } from '../printer.ts'
import type {
  Appended,
  Facet,
  LineFormat,
  PrintedRun,
  Refusal,
  Sharing,
  Store,
  StoreIdentity,
  StoreStatus,
  StreamDay,
  StreamSummary,
} from '../store.ts'
import { unavailable } from '../unavailable.ts'
import { PRINTED_MEMBERS, RECORD_MEMBERS } from './documents.ts'
import { facets } from './facets.ts'
import { messageOf } from './failure.ts'
import type { ElasticOptions } from './options.ts'
import { openParts, type Parts } from './parts.ts'
import { newestRefusals } from './refusals.ts'
import { search } from './search.ts'
import { count, histogram } from './tally.ts'

/** How long a closing store waits for what is on its way. */
const CLOSE_MS = 30_000

/** Opens the store in an Elasticsearch cluster. Throws SWARMLOGS_CONFIG, _STORE_NEWER, _STORE_UNAVAILABLE, each saying what to do. */
export async function openElasticStore(options: ElasticOptions): Promise<Store> {
  return new ElasticStore(await openParts(options))
}

/** The store in an Elasticsearch cluster: one index for each UTC day. Several servers may have the same one open. */
export class ElasticStore implements Store {
  readonly kind = 'elasticsearch'
  readonly #parts: Parts
  #closing: Promise<void> | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get identity(): StoreIdentity {
    return this.#parts.identity
  }

  readonly sharing: Sharing = {
    mark: (atLeast) => this.#parts.writer.mark(atLeast),
    observe: (received) => this.#parts.others.observe(received),
    change: async (name, change) => {
      this.#mustBeOpen()
      return this.#parts.notes.change('value', name, change).catch((error: unknown) => {
        if (error instanceof SwarmlogsError) throw error
        throw unavailable(`change '${name}': ${messageOf(error)}`, error)
      })
    },
  }

  get lastReceived(): bigint {
    return this.#parts.writer.lastReceived
  }

  async append(records: readonly LogRecord[]): Promise<Appended> {
    this.#mustBeOpen()
    return this.#parts.writer.append(records)
  }

  async *search(query: Query, signal?: AbortSignal): AsyncGenerator<readonly StoredRecord[]> {
    this.#mustBeOpen()
    for await (const records of search(this.#parts, query, RECORD_MEMBERS, signal)) {
      yield records
      this.#mustBeOpen()
    }
  }

  async *print(query: Query, format: LineFormat, signal?: AbortSignal): AsyncGenerator<readonly PrintedRun[]> {
    this.#mustBeOpen()
    const printer = new Printer(format)
    for await (const records of search(this.#parts, query, PRINTED_MEMBERS, signal)) {
      yield printer.runsOf(records)
      this.#mustBeOpen()
    }
  }

  async count(scope: Scope, signal?: AbortSignal): Promise<number> {
    this.#mustBeOpen()
    return count(this.#parts, scope, signal)
  }

  async histogram(scope: Scope, wish: HistogramWish, signal?: AbortSignal): Promise<readonly HistogramBucket[]> {
    this.#mustBeOpen()
    return histogram(this.#parts, scope, wish, signal)
  }

  async facets(scope: Scope, signal?: AbortSignal): Promise<readonly Facet[]> {
    this.#mustBeOpen()
    return facets(this.#parts, scope, signal)
  }

  async appendGaps(gaps: readonly Gap[]): Promise<void> {
    this.#mustBeOpen()
    await this.#parts.gaps.append(gaps)
  }

  async gaps(range: GapRange = {}): Promise<readonly Gap[]> {
    this.#mustBeOpen()
    return this.#parts.gaps.in(range).catch((error: unknown) => {
      throw unavailable(`read the gaps: ${messageOf(error)}`, error)
    })
  }

  async streams(): Promise<readonly StreamSummary[]> {
    this.#mustBeOpen()
    return this.#parts.counts.summaries(this.#parts.streams)
  }

  async days(): Promise<readonly StreamDay[]> {
    this.#mustBeOpen()
    return this.#parts.counts.days(this.#parts.streams, this.#parts.names)
  }

  async save(name: string, value: string): Promise<void> {
    this.#mustBeOpen()
    await this.#parts.notes.write('value', name, value).catch((error: unknown) => {
      throw unavailable(`save '${name}': ${messageOf(error)}`, error)
    })
  }

  async load(name: string): Promise<string | undefined> {
    this.#mustBeOpen()
    return this.#parts.notes.read('value', name).catch((error: unknown) => {
      throw unavailable(`load '${name}': ${messageOf(error)}`, error)
    })
  }

  status(): StoreStatus {
    this.#mustBeOpen()
    const { counts, health, names, watch, writer } = this.#parts
    const begins = counts.beginning(names)
    let bytes = 0
    for (const size of watch.sizes.values()) bytes += size.bytes
    return {
      writable: health.reason === '',
      reason: health.reason,
      records: counts.records(),
      bytes,
      ...(begins === undefined ? {} : { begins }),
      segments: [...counts.indices].length,
      damaged: [],
      refused: Math.max(watch.refused, watch.refusedBefore + writer.refused),
    }
  }

  async refusals(limit: number): Promise<readonly Refusal[]> {
    this.#mustBeOpen()
    return newestRefusals(this.#parts.requests, this.#parts.names, limit)
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  async #close(): Promise<void> {
    const { writer, watch, closing, health, requests, options } = this.#parts
    // Who cannot write now will not be able to soon: the senders still have what waits.
    const timer = setTimeout(() => closing.abort(), health.reason === '' ? CLOSE_MS : 0)
    await writer.drain()
    clearTimeout(timer)
    closing.abort()
    await watch.stop(health.reason === '').catch((error: unknown) => {
      options.log.warn({ err: error }, 'counts were not noted: the next start counts anew')
    })
    await requests.close()
  }

  #mustBeOpen(): void {
    if (this.#closing !== undefined) throw unavailable('use the store: it is closed')
  }
}
