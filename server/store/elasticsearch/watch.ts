import { greater } from '../bigint.ts'
import type { Claim } from './claim.ts'
import { failureOf, messageOf } from './failure.ts'
import type { Gaps } from './gaps.ts'
import type { Health } from './health.ts'
import { Losses, type LossParts } from './losses.ts'
import { Recount, type RecountParts } from './recount.ts'
import { expireIndices } from './retention.ts'
import type { SetUp } from './setup.ts'
import { type IndexSize, readSizes, readUuids } from './sizes.ts'
import type { Writer } from './writer.ts'

/** How often we look what other servers did, how large all is, and what may go. */
const LOOK_MS = 1_000
const MEASURE_EVERY = 10
const EXPIRE_EVERY = 60

/** What the watch works with. */
export interface WatchParts extends SetUp, LossParts, RecountParts {
  readonly health: Health
  readonly gaps: Gaps
  readonly claim: Claim
}

/** Keeps what this server knows of the cluster up to date: what other servers wrote, how much there is, what is too old, what was lost. */
export class Watch {
  readonly #parts: WatchParts
  readonly #losses: Losses
  readonly #recount: Recount
  /** The indices as of the last measuring. */
  sizes: ReadonlyMap<string, IndexSize> = new Map()
  /** Records that had been put aside before this server started. */
  refusedBefore = 0
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()
  #isStopped = false
  #streamSeq = -1
  #turns = 0

  constructor(parts: WatchParts) {
    this.#parts = parts
    this.#losses = new Losses(parts)
    this.#recount = new Recount(parts)
  }

  /** Reads what there is; returns the newest `received`. */
  async load(): Promise<bigint> {
    const { requests, names } = this.#parts
    // What was written before this start must be visible.
    await requests.send('POST', `/${names.all}/_refresh`)
    await this.learnStreams()
    await this.#losses.load()
    await this.#measure()
    const received = await this.#lastReceived()
    await this.#recount.load(this.sizes, received)
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
    if (isReachable) await this.#recount.note()
  }

  /** Records that were put aside, by any server, as of the last look. */
  get refused(): number {
    let records = 0
    for (const [index, size] of this.sizes) if (this.#parts.names.parse(index)?.kind === 'dead') records += size.records
    return records
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

  async #look(writer: Writer): Promise<void> {
    const { health, log, claim } = this.#parts
    this.#turns++
    try {
      await this.learnStreams()
      writer.sawReceived(await this.#lastReceived())
      if (this.#turns % MEASURE_EVERY === 0) {
        await claim.look()
        await this.#measure()
        await this.#recount.others(this.sizes, greater(writer.lastReceived, 0n))
      }
      if (this.#turns % EXPIRE_EVERY === 0) await this.#expire()
      if (claim.reason === '') health.find()
      else health.fail(claim.reason)
    } catch (error) {
      if (failureOf(error) !== 'busy') health.lose(messageOf(error))
      log.debug({ reason: messageOf(error) }, 'cluster could not be looked at')
    }
  }

  async #measure(): Promise<void> {
    this.sizes = await readSizes(this.#parts)
    const uuids = await readUuids(this.#parts)
    this.#parts.indices.set([...uuids.keys()])
    const { epoch } = this.#parts.identity
    // Their sequence begins anew.
    if (await this.#losses.look(uuids)) this.#streamSeq = -1
    if (this.#parts.identity.epoch !== epoch) this.#recount.hurry()
  }

  async #expire(): Promise<void> {
    await this.#recount.note()
    await expireIndices(this.#parts, this.sizes, BigInt(Date.now()) * 1_000_000n)
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
}
