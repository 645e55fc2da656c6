import type { Logger } from 'pino'
import type { LogStream } from '../../../../shared/record.ts'
import type { DayManifest } from '../../../archive/manifest.ts'
import { EVERYTHING } from '../../../query/query.ts'
import { gapText } from '../../gap-text.ts'
import { Setbacks } from '../../setbacks.ts'
import { recordsOf as linesAsRecords, RECORD_COLUMNS } from '../answers.ts'
import { bigintColumn } from '../columns.ts'
import { messageOf } from '../failure.ts'
import { ARCHIVE, type Parts } from '../parts.ts'
import { archivedOf, bytesOf, hotOf, isHeld, overdueIn } from '../retention.ts'
import { quoteText } from '../schema.ts'
import { search } from '../search.ts'
import { dayOf, Segment } from '../segment.ts'
import type { Entry } from '../streams.ts'
import type { Overdue } from '../thinner.ts'
import { ArchivedLines } from './lines.ts'
import { sealDay } from './sealer.ts'

const NS_PER_DAY = 86_400_000_000_000n
/** Late lines of a day that is archived already are merged in when no more came for so long. */
const SUPPLEMENT_IDLE_MS = 3_600_000
const IDLE_MS = 5 * 60_000
const NONE: ReadonlySet<LogStream> = new Set()

/** When what is archived. */
export interface SealingOptions {
  /** A day is due so long after its end. */
  readonly afterMs: number
  readonly log: Logger
}

/** Puts days of the store into its archive, one at a time. */
export class Sealing {
  readonly #options: SealingOptions
  readonly #parts: Parts
  readonly #stopping = new AbortController()
  readonly #setbacks = new Setbacks()
  #running: Promise<void> | undefined

  constructor(options: SealingOptions, parts: Parts) {
    this.#options = options
    this.#parts = parts
  }

  /** Seals what is due, unless it does already; resolves when nothing is. */
  async run(nowMs: number): Promise<void> {
    this.#running ??= this.#run(nowMs).finally(() => {
      this.#running = undefined
    })
    await this.#running
  }

  /** Ends the work; what it was at is hot as before. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(nowMs: number): Promise<void> {
    const { log } = this.#options
    const due = this.#due(nowMs, await this.#held())
    for (const day of due.filter((one) => this.#setbacks.mayTry(one, nowMs))) {
      if (this.#stopping.signal.aborted) return
      const started = performance.now()
      try {
        const manifest = await this.#seal(day, nowMs)
        if (manifest === undefined) continue
        this.#setbacks.clear(day)
        const { lines, files } = manifest
        const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
        log.info({ day, lines, bytes, seconds: Math.round((performance.now() - started) / 1000) }, 'day archived')
      } catch (error) {
        if (this.#stopping.signal.aborted) return
        const reason = messageOf(error)
        if (this.#setbacks.fail(day, reason, nowMs))
          log.error({ day, err: error }, `cannot archive a day now: ${reason}; it stays where it is`)
      }
    }
  }

  /** Days whose segments can be sealed; where the store is too large also those that are not old enough, oldest first. */
  #due(nowMs: number, held: ReadonlySet<string>): readonly string[] {
    const { segments, limits } = this.#parts
    const now = BigInt(nowMs) * 1_000_000n
    const hot = hotOf(segments).filter(({ isOdd }) => !isOdd)
    const isTight = bytesOf(hotOf(segments)) > 0.9 * limits.maxBytes
    const [oldest] = hot
    const days = new Set(hot.map(({ day }) => day).filter((day) => day < dayOf(now)))
    const mayGo = archivedOf(segments).filter((segment) => !isHeld(segment, held))
    const overdue = overdueIn(mayGo, limits, nowMs).map(({ segment }) => segment.day)
    return [...new Set([...days, ...overdue])].filter((day) => {
      const [archived] = segments.ofPartition(day)
      if (archived?.archived?.hasLostLines) return false
      if (overdue.includes(day)) return true
      const end = BigInt(Date.parse(day)) * 1_000_000n + NS_PER_DAY
      const idleMs = archived?.archived === undefined ? IDLE_MS : SUPPLEMENT_IDLE_MS
      const isIdle = hot.every((segment) => segment.day !== day || nowMs - segment.lastWriteMs > idleMs)
      return (
        (end + BigInt(Math.round(this.#options.afterMs)) * 1_000_000n <= now && isIdle) ||
        (isTight && day === oldest?.day)
      )
    })
  }

  async #held(): Promise<ReadonlySet<string>> {
    return new Set((await this.#parts.archive.holds()).map(({ day }) => day))
  }

  /** Undefined when something else works on the day's segments: it is due again. */
  async #seal(day: string, nowMs: number): Promise<DayManifest | undefined> {
    const { log } = this.#options
    const { segments, serial, writer, catalog, gaps, streams, limits, archive: folder } = this.#parts
    // Lines that come from now on go to another segment, and are of later commits.
    const { sealed, received } = await serial.run(async () => {
      const own = segments.ofPartition(day)
      const sealed = own.some(({ holder }) => holder !== undefined) ? [] : own
      for (const segment of sealed) segment.isClosed = true
      return { sealed, received: writer.lastReceived }
    })
    if (sealed.length === 0) return undefined
    const start = BigInt(Date.parse(day)) * 1_000_000n
    const [archived] = sealed.flatMap((segment) => segment.archived ?? [])
    for (const segment of sealed) segment.pin()
    try {
      await this.#prepare(sealed)
      const isKept = (await this.#held()).has(day)
      const expired = isKept ? NONE : expiredIn(sealed, overdueIn(sealed, limits, nowMs))
      const manifest = await sealDay(folder, {
        day,
        generation: (archived?.folder.manifest.generation ?? 0) + 1,
        store: { id: catalog.identity.id, received: String(received) },
        replaces: [
          ...(archived?.folder.manifest.replaces ?? []),
          ...sealed.filter((one) => one.archived === undefined).map(({ name }) => name),
        ],
        gaps: gaps.in({ since: start, until: start + NS_PER_DAY }).map(gapText),
        lines: this.#lines(sealed, received, expired),
        chunks: (path) => this.#writeChunks(sealed, path),
        expected: recordsOf(sealed, expired),
        signal: this.#stopping.signal,
      })
      const path = folder.pathOf(manifest)
      await serial.run(async () => {
        // A store that is opened anew finds the day, and what it takes the place of.
        if (this.#stopping.signal.aborted) return
        try {
          await this.#mustBeAsItWas(sealed, expired)
          const lines = new ArchivedLines({ path, manifest }, log, folder.cache)
          await segments.archive(sealed, Segment.ofArchive(lines, streams))
        } catch (error) {
          if (sealed.some(({ gone }) => gone !== 'replaced')) await folder.remove(manifest)
          throw error
        }
      })
      return manifest
    } catch (error) {
      for (const segment of sealed) segment.isClosed = false
      throw error
    } finally {
      for (const segment of sealed) segment.unpin()
    }
  }

  /** Has the archive be there; from now on the store is not whole without it. */
  async #prepare(sealed: readonly Segment[]): Promise<void> {
    const { catalog, archive } = this.#parts
    const id = await archive.prepare()
    if ((await catalog.load(ARCHIVE)) !== id) await catalog.save(ARCHIVE, id)
    const free = await archive.freeBytes()
    if (free < bytesOf(sealed))
      throw new Error(`the disk of the archive is full (${Math.floor(free / 2 ** 20)} MiB are free)`)
  }

  /** Throws when the day is not to be what was written of it any more. */
  async #mustBeAsItWas(sealed: readonly Segment[], expired: ReadonlySet<LogStream>): Promise<void> {
    if (sealed.some(({ gone }) => gone !== '')) throw new Error('some of it went meanwhile')
    const [segment] = sealed
    if (expired.size > 0 && segment !== undefined && (await this.#held()).has(segment.day))
      throw new Error('it was put on hold meanwhile')
  }

  async #writeChunks(sealed: readonly Segment[], path: string): Promise<boolean> {
    const all = await Promise.all(
      sealed.map(({ archived, database }) => (archived ? archived.chunksSql() : `${database}.chunks`)),
    )
    const tables = all.filter((table) => table !== undefined)
    if (tables.length === 0) return false
    const chunks = tables.map((table) => `SELECT id, last FROM ${table}`).join(' UNION ALL ')
    const reader = await this.#parts.engine.lease(this.#stopping.signal)
    try {
      const sql = `COPY (SELECT id, max(last) AS last FROM (${chunks}) GROUP BY id) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd)`
      let count = 0n
      for await (const chunk of reader.chunks(sql)) count += bigintColumn(chunk, 0)(0)
      return count > 0n
    } finally {
      reader.release()
    }
  }

  #lines(sealed: readonly Segment[], received: bigint, expired: ReadonlySet<LogStream>) {
    const { segments } = this.#parts
    const only = {
      get all() {
        return sealed.filter(({ gone }) => gone === '')
      },
      setAside: segments.setAside.bind(segments),
      reattach: segments.reattach.bind(segments),
    }
    const filter = { ...EVERYTHING, accepts: (stream: LogStream) => !expired.has(stream) }
    const query = { filter, order: 'asc' as const, receivedUpTo: received }
    const wanted = { columns: RECORD_COLUMNS, answer: linesAsRecords }
    return search({ ...this.#parts, segments: only }, query, wanted, this.#stopping.signal)
  }
}

/** The streams whose lines have expired in every segment that has any: they are left out. */
function expiredIn(sealed: readonly Segment[], overdue: readonly Overdue[]): ReadonlySet<LogStream> {
  const isOverdue = (segment: Segment, entry: Entry): boolean =>
    overdue.some((one) => one.segment === segment && one.streams.has(entry))
  const entries = new Set(overdue.flatMap(({ streams }) => [...streams]))
  const expired = [...entries].filter((entry) =>
    sealed.every((segment) => !segment.streams.has(entry) || isOverdue(segment, entry)),
  )
  return new Set(expired.map(({ stream }) => stream))
}

function recordsOf(sealed: readonly Segment[], expired: ReadonlySet<LogStream>): number {
  const kept = sealed.flatMap(({ streams }) => [...streams].filter(([{ stream }]) => !expired.has(stream)))
  return kept.reduce((sum, [, { records }]) => sum + records, 0)
}
