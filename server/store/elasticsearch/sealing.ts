import { setTimeout as delay } from 'node:timers/promises'
import type { StoredRecord } from '../../../shared/record.ts'
import { EVERYTHING } from '../../query/query.ts'
import { gapText } from '../gap-text.ts'
import { Setbacks } from '../setbacks.ts'
import type { ArchiveTier, TierDay } from '../tiered/archive-tier.ts'
import { merge } from '../tiered/merge.ts'
import type { TieredStore } from '../tiered/store.ts'
import { countOf, linesOf } from './day-lines.ts'
import { dropIndex } from './drop-index.ts'
import { dueDays } from './due.ts'
import { messageOf } from './failure.ts'
import { timesOfDay } from './names.ts'
import type { Parts } from './parts.ts'
import { readUuids } from './sizes.ts'
import { whileOurs } from './while-ours.ts'

/** How often it is looked what is due. */
const LOOK_MS = 60_000
/** Readers of a day that was archived have so long to come to an end before its index is deleted. */
const READERS_MS = 10 * 60_000

/** What the sealing works with. */
export interface SealingParts {
  readonly parts: Parts
  readonly tier: ArchiveTier
  readonly store: TieredStore
  /** A day is due so long after its end. */
  readonly afterMs: number
}

/** Puts days of the store into the archive, one at a time, and deletes their indices. */
export class Sealing {
  readonly #options: SealingParts
  readonly #stopping = new AbortController()
  readonly #timer: NodeJS.Timeout
  readonly #setbacks = new Setbacks()
  #running: Promise<void> | undefined

  constructor(options: SealingParts) {
    this.#options = options
    this.#timer = setInterval(() => void this.run(), LOOK_MS)
    this.#timer.unref()
  }

  /** Archives what is due, unless it does already; resolves when nothing is. Failures are logged: what could not be archived stays where it is. */
  async run(nowMs: number = Date.now()): Promise<void> {
    this.#running ??= this.#run(nowMs).finally(() => {
      this.#running = undefined
    })
    await this.#running
  }

  /** Ends the work; what it was at is hot as before. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stopping.abort()
    await this.#running
  }

  async #run(nowMs: number): Promise<void> {
    const { parts, tier, afterMs } = this.#options
    const { log } = parts.options
    if (tier.absent !== '') return
    try {
      // Those that another run had no time to delete.
      await this.#drop(parts.indices.hidden)
      await tier.expire(BigInt(nowMs) * 1_000_000n)
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'archived indices cannot be deleted now')
    }
    const due = dueDays({ ...parts, sizes: parts.watch.sizes }, tier, { afterMs, nowMs })
    for (const day of due.filter((one) => this.#setbacks.mayTry(one, nowMs))) {
      if (this.#stopping.signal.aborted) return
      const started = performance.now()
      try {
        const { lines } = await this.#seal(day)
        this.#setbacks.clear(day)
        log.info({ day, lines, seconds: Math.round((performance.now() - started) / 1000) }, 'day archived')
      } catch (error) {
        if (this.#stopping.signal.aborted) return
        const reason = messageOf(error)
        if (this.#setbacks.fail(day, reason, nowMs))
          log.error({ day, err: error }, `cannot archive a day now: ${reason}; it stays where it is`)
      }
    }
  }

  async #seal(name: string): Promise<TierDay> {
    const { parts, tier, store } = this.#options
    const { indices, counts, writer, claim } = parts
    const sources = indices.ofDay(name).filter((index) => !indices.isHidden(index))
    indices.close(name)
    // Behind it no commit writes to these any more.
    const { received } = await writer.append([])
    const uuids = await readUuids(parts)
    const replaces = sources.map((index) => uuids.get(index) ?? '')
    const sealed = await whileOurs(claim, this.#stopping.signal, (signal) =>
      this.#write(name, sources, { replaces, received, signal }),
    )
    if (!claim.isNoted) await tier.hold()
    await claim.look()
    claim.check()
    const ended = store.swap(() => {
      tier.serve(sealed)
      for (const index of sources) {
        indices.hide(index)
        counts.forget(index)
      }
    })
    await Promise.race([ended, delay(READERS_MS, undefined, { ref: false, signal: this.#stopping.signal })])
    await this.#drop(sources)
    return sealed
  }

  async #write(
    name: string,
    sources: readonly string[],
    of: { readonly replaces: readonly string[]; readonly received: bigint; readonly signal: AbortSignal },
  ): Promise<TierDay> {
    const { parts, tier } = this.#options
    const day = name.replaceAll('.', '-')
    const before = tier.sealed.find((one) => one.day === day)
    const range = { since: timesOfDay(name).start, until: timesOfDay(name).end }
    const chunks = new Map<string, number>()
    const expected = (before?.lines ?? 0) + (await countOf(parts, sources))
    return tier.seal({
      ...{ day, generation: (before?.generation ?? 0) + 1, expected, signal: of.signal },
      store: { id: parts.identity.id, received: String(of.received) },
      replaces: [...(before?.replaces ?? []), ...of.replaces],
      gaps: (await parts.gaps.in(range)).map(gapText),
      lines: this.#lines(sources, chunks, of.signal, before && range),
      chunks,
    })
  }

  /** The lines of indices, and what is archived of their day already. */
  #lines(
    sources: readonly string[],
    chunks: Map<string, number>,
    signal: AbortSignal,
    archived: { readonly since: bigint; readonly until: bigint } | undefined,
  ): AsyncIterable<readonly StoredRecord[]> {
    const { parts, tier } = this.#options
    const hot = linesOf(parts, sources, chunks, signal)
    if (archived === undefined) return hot
    const query = { filter: EVERYTHING, order: 'asc', ...archived } as const
    return merge(
      hot,
      () => tier.search(query, signal),
      'asc',
      () => false,
    )
  }

  /** Deletes indices whose lines are archived, and none that has only their names. */
  async #drop(sources: readonly string[]): Promise<void> {
    const { parts, tier } = this.#options
    const replaced = new Set(tier.sealed.flatMap(({ replaces }) => replaces))
    for (const index of sources) {
      if (await dropIndex(parts, index, (uuid) => replaced.has(uuid)))
        parts.options.log.info({ index }, 'index of an archived day deleted')
    }
  }
}
