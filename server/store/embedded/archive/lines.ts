import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { LEVELS } from '../../../../shared/record.ts'
import type { FileCache } from '../../../archive/cache.ts'
import { type ArchivedFolder, sha256Of } from '../../../archive/folder.ts'
import { Lease } from '../../../archive/lease.ts'
import { CHUNKS, folderName, type LinesFile, membersOf, type Sealed, WORDS } from '../../../archive/manifest.ts'
import { FOREIGN_ORDINALS } from '../../store.ts'
import { AHEAD, FOREIGN, HEAD_MISSING, levelCode, quoteText } from '../schema.ts'
import type { Held } from '../segment.ts'

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
  /** Whether it is what was sealed; looked at when it is first read. */
  sound: Promise<boolean> | undefined
  isDamaged: boolean
}

/** The lines of an archived day, where they are. */
export class ArchivedLines {
  readonly folder: ArchivedFolder
  readonly #files: readonly Known[]
  readonly #log: Logger
  readonly #cache: FileCache | undefined

  /** @param cache where lines come from that are not local; without one they all are. */
  constructor(folder: ArchivedFolder, log: Logger, cache?: FileCache) {
    this.folder = folder
    this.#log = log
    this.#cache = cache
    let from = 0
    this.#files = folder.manifest.files.map((file) => {
      const known = { file, first: BigInt(file.first), last: BigInt(file.last), from }
      from += file.lines
      return { ...known, sound: undefined, isDamaged: false }
    })
  }

  /** What tells in which of its rows a text can be. */
  get wordsPath(): string {
    return join(this.folder.path, WORDS)
  }

  /** Bytes of all files. */
  get bytes(): number {
    return membersOf(this.folder.manifest).reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Names of files that are not what was sealed, as far as was looked. */
  get damaged(): readonly string[] {
    return this.#files.filter(({ isDamaged }) => isDamaged).map(({ file }) => this.#named(file))
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
    const files = this.#choose(first, last, rows).filter(({ isDamaged }) => !isDamaged)
    if (files.length === 0) return NOTHING
    const paths = files.map(({ file }) => quoteText(join(this.folder.path, file.name)))
    return `(SELECT ${COLUMNS} FROM read_parquet([${paths.join(', ')}]))`
  }

  /**
   * Must be awaited before what `sql` answers is run: the files are local then, and stay until the lease is released; and has looked whether
   * they are what was sealed. One that is not is told once, and its lines are lost; all others serve.
   */
  async ready(lease: Lease, first: bigint, last: bigint, rows?: readonly RowRange[]): Promise<void> {
    const chosen = this.#choose(first, last, rows)
    // At once, as each may take a while.
    const taken = await Promise.allSettled(chosen.map(({ file }) => this.take(file.name, lease)))
    const failed = taken.find((one) => one.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    for (const known of chosen) await this.#look(known)
  }

  /** Resolves when a file is local; it stays until the lease is released. */
  async take(name: string, lease: Lease): Promise<void> {
    const file = this.#files.find((known) => known.file.name === name)?.file
    if (this.#cache === undefined || file === undefined) return
    lease.hold(await this.#cache.take(this.#named(file), file.bytes, lease.signal))
  }

  /** Whether the index of words is what was sealed. */
  async areWordsSound(): Promise<boolean> {
    return (await damageOf(this.wordsPath, this.folder.manifest.words)) === ''
  }

  /** The chunks of foreign senders as a table like a segment's; undefined when there are none. */
  get chunksSql(): string | undefined {
    const { path, manifest } = this.folder
    return manifest.chunks === null ? undefined : `read_parquet(${quoteText(join(path, CHUNKS))})`
  }

  /** Looks at all files again; answers whether one proved damaged that did not before. */
  async findDamage(): Promise<boolean> {
    const before = this.damaged.length
    for (const known of this.#files) {
      if (known.isDamaged) continue
      known.sound = undefined
      const lease = new Lease()
      try {
        await this.take(known.file.name, lease)
        await this.#look(known)
      } finally {
        lease.release()
      }
    }
    return this.damaged.length > before
  }

  async #look(known: Known): Promise<void> {
    known.sound ??= this.#isSound(known.file)
    try {
      known.isDamaged = !(await known.sound)
    } catch (error) {
      // It could not be looked at.
      known.sound = undefined
      throw error
    }
  }

  #named({ name }: LinesFile): string {
    return `${folderName(this.folder.manifest)}/${name}`
  }

  #choose(first: bigint, last: bigint, rows: readonly RowRange[] | undefined): readonly Known[] {
    return this.#files.filter((known) => {
      if (known.last < first || known.first > last) return false
      return rows === undefined || rows.some(({ from, to }) => from < known.from + known.file.lines && to > known.from)
    })
  }

  async #isSound(file: LinesFile): Promise<boolean> {
    const name = this.#named(file)
    const look = () => damageOf(join(this.folder.path, file.name), file)
    let why = await look()
    if (why !== '' && this.#cache !== undefined) {
      // There may be a better one than the local one; whoever asks has this file on a lease, and has the new one so, too.
      this.#cache.drop(name)
      const release = await this.#cache.take(name, file.bytes)
      why = await look()
      release()
    }
    const text = `a file of the archive is damaged, ${why}: its lines are left out, all others serve`
    if (why !== '') this.#log.error({ file: name }, text)
    return why === ''
  }
}

/** Why a file is not what was sealed; '' when it is. */
export async function damageOf(path: string, { bytes, sha256 }: Sealed, signal?: AbortSignal): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size !== bytes) return `it has ${size} bytes, not ${bytes}`
    return (await sha256Of(path, signal)) === sha256 ? '' : 'its SHA-256 is not that of the manifest'
  } catch (error) {
    signal?.throwIfAborted()
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'it is not there' : String(error)
  }
}
