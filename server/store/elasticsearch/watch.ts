import { countLines, noteCounts, notedCounts } from './count-lines.ts'
import type { Counts } from './counts.ts'
import { failureOf, messageOf } from './failure.ts'
import type { Freshness } from './freshness.ts'
import type { Gaps } from './gaps.ts'
import type { Health } from './health.ts'
import { expireIndices } from './retention.ts'
import type { SetUp } from './setup.ts'
import type { Streams } from './streams.ts'
import { greater } from './times.ts'
import type { Writer } from './writer.ts'

/** How often we look what other servers did, how large all is, and what may go. */
const LOOK_MS = 1_000
const MEASURE_EVERY = 10
const EXPIRE_EVERY = 60
/** Counting anew an index that others write to takes so much of the time at most: one part in so many. */
const COUNT_SHARE = 50

/** What the watch works with. */
export interface WatchParts extends SetUp {
  readonly streams: Streams
  readonly counts: Counts
  readonly freshness: Freshness
  readonly health: Health
  readonly gaps: Gaps
}

/** An index as the cluster describes it. */
export interface IndexSize {
  readonly records: number
  /** On the disks of all nodes. */
  readonly bytes: number
}

interface Stats {
  readonly indices?: Readonly<
    Record<
      string,
      {
        readonly primaries: { readonly docs: { count: number } }
        readonly total: { readonly store: { size_in_bytes: number } }
      }
    >
  >
}

/** Keeps what this server knows of the cluster up to date: what other servers wrote, how much there is, what is too old. */
export class Watch {
  readonly #parts: WatchParts
  readonly sizes = new Map<string, IndexSize>()
  /** Records that had been put aside before this server started. */
  refusedBefore = 0
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()
  #isStopped = false
  #streamSeq = -1
  #turns = 0
  #countAgainAtMs = 0

  constructor(parts: WatchParts) {
    this.#parts = parts
  }

  /** Reads what there is; returns the newest `received`. */
  async load(): Promise<bigint> {
    await this.#refreshAll()
    await this.learnStreams()
    await this.measure()
    const received = await this.#lastReceived()
    for (const [index, { records }] of this.sizes) {
      if (this.#parts.names.parse(index)?.kind !== 'dead') await this.#loadCounts(index, records, received)
    }
    this.#parts.counts.changed.clear()
    this.refusedBefore = this.refused
    return received
  }

  /** Looks from now on, again and again. */
  start(writer: Writer): void {
    this.#timer = setTimeout(() => {
      this.#looking = this.#look(writer).finally(() => {
        if (!this.#isStopped) this.start(writer)
      })
    }, LOOK_MS)
    this.#timer.unref()
  }

  /** Ends the looking, and notes what was counted. */
  async stop(isReachable: boolean): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#looking
    if (isReachable) await this.noteCounts()
  }

  /** Notes counts that changed, so that the next start finds them. */
  async noteCounts(): Promise<void> {
    const { counts, notes } = this.#parts
    for (const index of [...counts.changed]) {
      const own = counts.of(index)
      counts.changed.delete(index)
      if (own !== undefined) await noteCounts(notes, index, own)
    }
  }

  /** Reads which indices there are, and how large. */
  async measure(): Promise<void> {
    const { requests, names, indices } = this.#parts
    const stats = await requests.send<Stats>('GET', `/${names.all}/_stats/docs,store`, {
      query: { filter_path: 'indices.*.primaries.docs.count,indices.*.total.store.size_in_bytes' },
    })
    this.sizes.clear()
    for (const [index, { primaries, total }] of Object.entries(stats.indices ?? {})) {
      if (names.parse(index) === undefined) continue
      this.sizes.set(index, { records: primaries.docs.count, bytes: total.store.size_in_bytes })
    }
    indices.set([...this.sizes.keys()])
  }

  /** Records that were put aside, by any server, as of the last look. */
  get refused(): number {
    let records = 0
    for (const [index, size] of this.sizes) if (this.#parts.names.parse(index)?.kind === 'dead') records += size.records
    return records
  }

  async #look(writer: Writer): Promise<void> {
    const { health, options } = this.#parts
    const { log } = options
    this.#turns++
    try {
      await this.learnStreams()
      writer.sawReceived(await this.#lastReceived())
      if (this.#turns % MEASURE_EVERY === 0) {
        await this.measure()
        await this.#countOthers(writer)
      }
      if (this.#turns % EXPIRE_EVERY === 0) await this.#expire()
      health.find()
    } catch (error) {
      if (failureOf(error) !== 'busy') health.lose(messageOf(error))
      log.debug({ reason: messageOf(error) }, 'cluster could not be looked at')
    }
  }

  async #expire(): Promise<void> {
    await this.noteCounts()
    await expireIndices(this.#parts, this.sizes, BigInt(Date.now()) * 1_000_000n)
  }

  /** Makes what was written before this start visible. */
  async #refreshAll(): Promise<void> {
    const { requests, names } = this.#parts
    await requests.send('POST', `/${names.all}/_refresh`)
  }

  /** Reads the streams that are new since it was last asked. */
  async learnStreams(): Promise<void> {
    const { notes, streams } = this.#parts
    for await (const found of notes.find('stream', this.#streamSeq)) {
      for (const { note, seq } of found) {
        streams.ofLabels(note.data)
        this.#streamSeq = Math.max(this.#streamSeq, seq)
      }
    }
  }

  async #lastReceived(): Promise<bigint> {
    const { requests, names } = this.#parts
    const { hits } = await requests.send<{ hits?: { hits?: { _source: Record<string, string> }[] } }>(
      'POST',
      `/${names.allLines.join(',')}/_search`,
      {
        body: {
          size: 1,
          sort: [{ 'swarmlogs.received': 'desc' }],
          _source: 'swarmlogs.received',
          track_total_hits: false,
        },
        query: { ignore_unavailable: true, filter_path: 'hits.hits._source' },
      },
    )
    return BigInt(hits?.hits?.[0]?._source['swarmlogs.received'] ?? 0)
  }

  async #loadCounts(index: string, records: number, received: bigint): Promise<void> {
    const { requests, notes, counts } = this.#parts
    counts.begin(index)
    counts.replace(index, (await notedCounts(notes, index, records)) ?? (await countLines(requests, index, received)))
  }

  /** Counts anew the indices that have more lines than we know of: other servers wrote them. */
  async #countOthers(writer: Writer): Promise<void> {
    const { requests, counts, freshness, names } = this.#parts
    if (Date.now() < this.#countAgainAtMs) return
    const startMs = Date.now()
    for (const [index, { records }] of this.sizes) {
      if (names.parse(index)?.kind === 'dead' || records <= counts.records(index)) continue
      await freshness.see([index])
      counts.begin(index)
      counts.replace(index, await countLines(requests, index, greater(writer.lastReceived, 0n)))
    }
    this.#countAgainAtMs = Date.now() + (Date.now() - startMs) * COUNT_SHARE
  }
}
