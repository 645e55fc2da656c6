import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Gap } from '../../../../shared/gap.ts'
import { LEVELS } from '../../../../shared/record.ts'
import type { Verified } from '../../../archive/archive.ts'
import type { FileCache } from '../../../archive/cache.ts'
import { DayFiles } from '../../../archive/day-files.ts'
import type { ArchivedFolder } from '../../../archive/folder.ts'
import type { Lease } from '../../../archive/lease.ts'
import { CHUNKS, type LinesFile, membersOf, WORDS } from '../../../archive/manifest.ts'
import { greater, smaller } from '../../bigint.ts'
import { FOREIGN_ORDINALS } from '../../store.ts'
import type { Held } from '../held.ts'
import { AHEAD, FOREIGN, HEAD_MISSING, levelCode, quoteText } from '../schema.ts'

const NS_PER_MINUTE = 60_000_000_000n
const LEVEL = `CASE level ${LEVELS.map((level) => `WHEN ${quoteText(level)} THEN ${levelCode(level)}`).join(' ')} ELSE 0 END`
const FLAGS =
  `CASE WHEN time > received + ${NS_PER_MINUTE} THEN ${AHEAD} ELSE 0 END + ` +
  `CASE WHEN head_missing THEN ${HEAD_MISSING} ELSE 0 END + CASE WHEN ordinal >= ${FOREIGN_ORDINALS} THEN ${FOREIGN} ELSE 0 END`
/** The columns of a segment's table of lines, of the columns of a file. Another store's ordinals have up to 53 bits. */
const COLUMNS =
  "time, stream, (CASE source WHEN 'stderr' THEN 0 ELSE 1 END)::UTINYINT AS source, ordinal::DOUBLE AS ordinal, received, " +
  `(${LEVEL})::UTINYINT AS level, (${FLAGS})::UTINYINT AS flags, cut_from::UINTEGER AS cut_from, 0::UINTEGER AS long, message, ` +
  'coalesce(fields, message) AS fields'
const NOTHING =
  '(SELECT 0::BIGINT AS time, 0 AS stream, 0::UTINYINT AS source, 0::DOUBLE AS ordinal, 0::BIGINT AS received, 0::UTINYINT AS level, ' +
  "0::UTINYINT AS flags, 0::UINTEGER AS cut_from, 0::UINTEGER AS long, '' AS message, '' AS fields WHERE false)"

/** Rows of a day, by their number in the order of its files. */
export interface RowRange {
  readonly from: number
  readonly to: number
}

/** A file, and what is known of it. */
interface Known {
  readonly file: LinesFile
  readonly first: bigint
  readonly last: bigint
  /** Number of its first row. */
  readonly from: number
}

/** The lines of an archived day, where they are. */
export class ArchivedLines {
  readonly folder: ArchivedFolder
  readonly #lines: readonly Known[]
  readonly #files: DayFiles

  /** @param cache where lines come from that are not local; without one they all are. */
  constructor(folder: ArchivedFolder, log: Logger, cache?: FileCache) {
    this.folder = folder
    this.#files = new DayFiles(folder, log, cache)
    let from = 0
    this.#lines = folder.manifest.files.map((file) => {
      const known = { file, first: BigInt(file.first), last: BigInt(file.last), from }
      from += file.lines
      return known
    })
  }

  /** What tells in which of its rows a text can be. */
  get wordsPath(): string {
    return join(this.folder.path, WORDS)
  }

  /** Time of its last line. */
  get last(): bigint | undefined {
    return this.#lines.at(-1)?.last
  }

  /** Bytes of all files. */
  get bytes(): number {
    return membersOf(this.folder.manifest).reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Names of files that are not what was sealed, as far as was looked. */
  get damaged(): readonly string[] {
    return this.#files.damaged
  }

  /** Whether lines of it are lost. */
  get hasLostLines(): boolean {
    return this.#lines.some(({ file }) => this.#files.isDamaged(file.name))
  }

  /** What files that are damaged had: a gap of each stream that may have had lines in them, as which of the day's had is not known without them. */
  gaps(): Gap[] {
    const { counts, streams } = this.folder.manifest
    return this.#lines.flatMap(({ file, first, last }) => {
      if (!this.#files.isDamaged(file.name)) return []
      const held = counts.map(([number, lines, from, to]) => ({ number, lines, from: BigInt(from), to: BigInt(to) }))
      const among = held.filter(({ from, to }) => from <= last && to >= first)
      return among.flatMap(({ number, lines, from, to }): Gap[] => {
        const stream = streams[number]
        if (stream === undefined) return []
        const bounds = { from: greater(from, first), to: smaller(to, last), atMost: Math.min(lines, file.lines) }
        return [{ stream, ...bounds, reason: 'damaged', atLeast: among.length === 1 ? bounds.atMost : 0 }]
      })
    })
  }

  /** What it holds of its streams, by their numbers. */
  held(): Held[] {
    return this.folder.manifest.counts.map(([id, records, first, last, received, ahead, text]) => ({
      ...{ id, records, first: BigInt(first), last: BigInt(last), received: BigInt(received), text },
      ahead: ahead === '' ? undefined : BigInt(ahead),
    }))
  }

  /** The lines of the times, both ends inclusive, and of the rows, as a table like a segment's; more may be in it. */
  sql(first: bigint, last: bigint, rows?: readonly RowRange[]): string {
    const files = this.#choose(first, last, rows).filter(({ file }) => !this.#files.isDamaged(file.name))
    if (files.length === 0) return NOTHING
    const paths = files.map(({ file }) => quoteText(join(this.folder.path, file.name)))
    return `(SELECT ${COLUMNS} FROM read_parquet([${paths.join(', ')}]))`
  }

  /**
   * Must be awaited before what `sql` answers is run: the files are local then, and stay until the lease is released; and has looked whether
   * they are what was sealed. One that is not is told once, and its lines are lost; all others serve. Throws when one cannot be read now.
   */
  async ready(lease: Lease, first: bigint, last: bigint, rows?: readonly RowRange[]): Promise<void> {
    const chosen = this.#choose(first, last, rows)
    // At once, as each may take a while.
    const taken = await Promise.allSettled(chosen.map(({ file }) => this.take(file.name, lease)))
    const failed = taken.find((one) => one.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    for (const { file } of chosen) await this.#files.isSound(file.name)
  }

  /** Resolves when a file is local; it stays until the lease is released. */
  async take(name: string, lease: Lease): Promise<void> {
    await this.#files.take(name, lease)
  }

  /** Whether the index of words can be used; without it searches read more, and that is all. Rejects when that cannot be told now. */
  areWordsSound(): Promise<boolean> {
    return this.#files.isSound(WORDS)
  }

  /** The index of words was not as it was: it is looked at again. */
  doubtWords(): void {
    this.#files.doubt(WORDS)
  }

  /** The chunks of foreign senders as a table like a segment's; undefined when there are none, or they are lost. */
  async chunksSql(): Promise<string | undefined> {
    const { path, manifest } = this.folder
    if (manifest.chunks === null || !(await this.#files.isSound(CHUNKS))) return undefined
    return `read_parquet(${quoteText(join(path, CHUNKS))})`
  }

  /** Reads all files, and tells of each what it is; what is damaged is left out from then on. */
  verify(signal?: AbortSignal): AsyncGenerator<Verified> {
    return this.#files.verify(signal)
  }

  /** Looks at all files again, as one of them could not be read. Throws when that is all that can be told. */
  async findDamage(): Promise<void> {
    await this.#files.lookAgain()
  }

  #choose(first: bigint, last: bigint, rows: readonly RowRange[] | undefined): readonly Known[] {
    return this.#lines.filter((known) => {
      if (known.last < first || known.first > last) return false
      return rows === undefined || rows.some(({ from, to }) => from < known.from + known.file.lines && to > known.from)
    })
  }
}
