import { join } from 'node:path'
import type { Logger } from 'pino'
import { LEVELS } from '../../../../shared/record.ts'
import type { Verified } from '../../../archive/archive.ts'
import type { FileCache } from '../../../archive/cache.ts'
import type { ArchivedFolder } from '../../../archive/folder.ts'
import { Lease } from '../../../archive/lease.ts'
import {
  CHUNKS,
  folderName,
  type LinesFile,
  MANIFEST,
  MANIFEST_COPY,
  membersOf,
  type Sealed,
  WORDS,
} from '../../../archive/manifest.ts'
import { damageOf, verifyDay } from '../../../archive/verify.ts'
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

/** What is lost with a file that is damaged. */
const LOST: Readonly<Record<string, string>> = {
  [MANIFEST]: 'its copy has all of it',
  [MANIFEST_COPY]: 'the manifest has all of it',
  [WORDS]: 'searches read more lines than they need',
  [CHUNKS]: 'what foreign senders send again for its day counts as new',
}

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
  /** Files beside those that proved damaged. */
  readonly #others = new Set<string>()
  #chunksSound: Promise<boolean> | undefined
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
    const name = folderName(this.folder.manifest)
    const lines = this.#files.filter(({ isDamaged }) => isDamaged).map(({ file }) => file.name)
    return [...lines, ...this.#others].map((file) => `${name}/${file}`)
  }

  /** Whether lines of it are lost. */
  get hasLostLines(): boolean {
    return this.#files.some(({ isDamaged }) => isDamaged)
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
    lease.hold(await this.#cache.take(`${folderName(this.folder.manifest)}/${name}`, file.bytes, lease.signal))
  }

  /** Whether the index of words is what was sealed. */
  async areWordsSound(): Promise<boolean> {
    return this.#isOtherSound(WORDS, this.folder.manifest.words)
  }

  /** The chunks of foreign senders as a table like a segment's; undefined when there are none, or they cannot be read. */
  async chunksSql(): Promise<string | undefined> {
    const { path, manifest } = this.folder
    if (manifest.chunks === null) return undefined
    this.#chunksSound ??= this.#isOtherSound(CHUNKS, manifest.chunks)
    return (await this.#chunksSound) ? `read_parquet(${quoteText(join(path, CHUNKS))})` : undefined
  }

  /** Reads all files, and tells of each what it is; what is damaged is left out from then on. */
  async *verify(signal?: AbortSignal): AsyncGenerator<Verified> {
    const lease = new Lease(signal)
    try {
      for await (const looked of verifyDay(this.folder, signal, (name) => this.#takeAlone(name, lease))) {
        this.#judge(looked.name, looked.why)
        yield looked
      }
    } finally {
      lease.release()
    }
  }

  /** In the place of what was taken before. */
  async #takeAlone(name: string, lease: Lease): Promise<void> {
    lease.release()
    await this.take(name, lease)
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

  #choose(first: bigint, last: bigint, rows: readonly RowRange[] | undefined): readonly Known[] {
    return this.#files.filter((known) => {
      if (known.last < first || known.first > last) return false
      return rows === undefined || rows.some(({ from, to }) => from < known.from + known.file.lines && to > known.from)
    })
  }

  async #isSound(file: LinesFile): Promise<boolean> {
    const look = () => damageOf(join(this.folder.path, file.name), file)
    let why = await look()
    if (why !== '' && this.#cache !== undefined) {
      // There may be a better one than the local one; whoever asks has this file on a lease, and has the new one so, too.
      const name = `${folderName(this.folder.manifest)}/${file.name}`
      this.#cache.drop(name)
      const release = await this.#cache.take(name, file.bytes)
      why = await look()
      release()
    }
    return this.#judge(file.name, why)
  }

  async #isOtherSound(name: string, { bytes, sha256 }: Sealed): Promise<boolean> {
    return this.#judge(name, await damageOf(join(this.folder.path, name), { bytes, sha256 }))
  }

  /** Notes what was found out about a file, and says so once. @param why it is damaged; '' when it is not */
  #judge(name: string, why: string): boolean {
    const known = this.#files.find(({ file }) => file.name === name)
    const wasDamaged = known?.isDamaged ?? this.#others.has(name)
    if (known !== undefined) {
      known.isDamaged = why !== ''
      known.sound = Promise.resolve(why === '')
    } else if (why !== '') this.#others.add(name)
    else this.#others.delete(name)
    if (name === CHUNKS) this.#chunksSound = Promise.resolve(why === '')
    if (why !== '' && !wasDamaged) {
      const file = `${folderName(this.folder.manifest)}/${name}`
      const lost = LOST[name] ?? 'its lines are left out, all others serve'
      this.#log.error({ file }, `a file of the archive is damaged, ${why}: ${lost}`)
    }
    return why === ''
  }
}
