import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { LogStream, StoredRecord } from '../../../../shared/record.ts'
import { programVersion } from '../../../../shared/version.ts'
import { sha256Of } from '../../../archive/files.ts'
import type { ArchiveFolder } from '../../../archive/folder.ts'
import {
  ARCHIVE_FORMAT,
  CHUNKS,
  type DayManifest,
  type LinesFile,
  linesName,
  type Sealed,
  type StreamCounts,
  WORDS,
} from '../../../archive/manifest.ts'
import { syncPath } from '../../../sync-path.ts'
import { greater, smaller } from '../../bigint.ts'
import { labelsOf } from '../../labels.ts'
import type { ArchivedLine } from '../parquet/schema.ts'
import { ParquetWriter } from '../parquet/writer.ts'
import { WordsWriter } from './words-writer.ts'

/** A file has about so many lines, and about so many characters of text, at most: damage costs no more than that. */
const FILE_LINES = 100_000
const FILE_CHARS = 32 * 1024 * 1024
const TEMP = 'tmp'
/** Of zstd: takes a tenth less room than its default, at 0.5 s for a file; the next ones take many times as long for little more. */
const LEVEL = 12
const NS_PER_MINUTE = 60_000_000_000n

/** A day that is to be sealed. */
export interface DayToSeal extends Pick<DayManifest, 'day' | 'generation' | 'store' | 'replaces' | 'gaps'> {
  /** All lines of the day, in the order of their times; whose they are in the hot store is no matter. */
  readonly lines: AsyncIterable<readonly StoredRecord[]>
  /** How many these must be. */
  readonly expected: number
  /** Writes the chunks of the day to a Parquet file of this path; answers whether there are any. */
  readonly chunks: (path: string) => Promise<boolean>
  readonly signal: AbortSignal
}

/** What a manifest says of the lines. */
type Written = Pick<DayManifest, 'lines' | 'messageBytes' | 'streams' | 'counts' | 'files' | 'words'>

/** What is known of a stream of the day. */
interface Tally {
  lines: number
  first: bigint
  last: bigint
  received: bigint
  ahead: bigint | undefined
  text: number
}

/**
 * Writes a day into the archive: the one way there, from whatever store. When it resolves the day is there whole, also after a power cut;
 * when it throws nothing of it counts. Throws when there are not as many lines as there should be.
 */
export async function sealDay(
  archive: ArchiveFolder,
  { lines, expected, chunks, signal, ...day }: DayToSeal,
): Promise<DayManifest> {
  const dir = await archive.begin(day, signal)
  try {
    const rest = await writeLines(dir, lines, signal)
    if (rest.lines !== expected) throw new Error(`of the ${expected} lines of ${day.day} ${rest.lines} could be read`)
    const chunksPath = join(dir, CHUNKS)
    const written = (await chunks(chunksPath)) ? await sealedFile(chunksPath) : null
    const sealed = String(BigInt(Date.now()) * 1_000_000n)
    const manifest = { format: ARCHIVE_FORMAT, version: programVersion(), sealed, ...day, ...rest, chunks: written }
    signal.throwIfAborted()
    await archive.finish(manifest, signal)
    return manifest
  } catch (error) {
    await rm(dir, { recursive: true, force: true })
    await archive.remove(day).catch(() => {})
    throw error
  }
}

async function writeLines(dir: string, lines: DayToSeal['lines'], signal: AbortSignal): Promise<Written> {
  const sealer = await Sealer.open(dir)
  try {
    for await (const records of lines) {
      signal.throwIfAborted()
      await sealer.add(records)
    }
    signal.throwIfAborted()
    return await sealer.finish()
  } finally {
    await sealer.close()
  }
}

/** Writes the files of a day. */
class Sealer {
  readonly #dir: string
  readonly #writer: ParquetWriter
  readonly #words: WordsWriter
  readonly #numbers = new Map<string, number>()
  readonly #byObject = new WeakMap<LogStream, number>()
  readonly #streams: LogStream[] = []
  readonly #tallies: Tally[] = []
  readonly #files: LinesFile[] = []
  #messageBytes = 0
  #waiting = { lines: 0, chars: 0, first: 0n, last: 0n }

  private constructor(dir: string, writer: ParquetWriter) {
    this.#dir = dir
    this.#writer = writer
    this.#words = new WordsWriter(join(dir, WORDS))
  }

  static async open(dir: string): Promise<Sealer> {
    return new Sealer(dir, await ParquetWriter.open(join(dir, TEMP), LEVEL))
  }

  async add(records: readonly StoredRecord[]): Promise<void> {
    const fresh: { number: number; stream: LogStream }[] = []
    const lines = records.map((record) => this.#line(record, fresh))
    await this.#writer.addStreams(fresh)
    await this.#writer.add(lines)
    for (const line of lines) {
      this.#count(line)
      await this.#words.add(line)
    }
    if (this.#waiting.lines >= FILE_LINES || this.#waiting.chars >= FILE_CHARS) await this.#write()
  }

  async finish(): Promise<Written> {
    if (this.#waiting.lines > 0) await this.#write()
    if (this.#files.length === 0) throw new Error('there are no lines')
    return {
      lines: this.#files.reduce((sum, { lines }) => sum + lines, 0),
      messageBytes: this.#messageBytes,
      streams: this.#streams,
      counts: this.#tallies.map(countsOf),
      files: this.#files,
      words: await sealedFile(join(this.#dir, WORDS)),
    }
  }

  async close(): Promise<void> {
    await this.#writer.close()
    await rm(join(this.#dir, TEMP), { recursive: true, force: true })
  }

  #line({ stream, chunk: _, ...record }: StoredRecord, fresh: { number: number; stream: LogStream }[]): ArchivedLine {
    let number = this.#byObject.get(stream)
    if (number === undefined) {
      const labels = labelsOf(stream)
      number = this.#numbers.get(labels)
      if (number === undefined) {
        number = this.#streams.length
        this.#numbers.set(labels, number)
        this.#streams.push(stream)
        fresh.push({ number, stream })
      }
      this.#byObject.set(stream, number)
    }
    return { ...record, stream: number }
  }

  #count({ stream, time, received, message, fields }: ArchivedLine): void {
    const waiting = this.#waiting
    if (waiting.lines === 0) waiting.first = time
    waiting.lines++
    waiting.chars += message.length + fields.length
    waiting.last = time
    this.#messageBytes += Buffer.byteLength(message)
    const text = message.length + fields.length
    const isAhead = time > received + NS_PER_MINUTE
    const tally = this.#tallies[stream]
    if (tally === undefined) {
      this.#tallies[stream] = {
        lines: 1,
        first: time,
        last: time,
        received,
        ahead: isAhead ? received : undefined,
        text,
      }
      return
    }
    tally.lines++
    tally.last = time
    tally.received = greater(tally.received, received)
    if (isAhead) tally.ahead = tally.ahead === undefined ? received : smaller(tally.ahead, received)
    tally.text += text
  }

  async #write(): Promise<void> {
    const name = linesName(this.#files.length + 1)
    const path = join(this.#dir, name)
    const { lines, first, last } = this.#waiting
    await this.#words.endBlock()
    await this.#writer.write(path)
    this.#files.push({ name, ...(await sealedFile(path)), lines, first: String(first), last: String(last) })
    this.#waiting = { lines: 0, chars: 0, first: 0n, last: 0n }
  }
}

function countsOf({ lines, first, last, received, ahead, text }: Tally, number: number): StreamCounts {
  return [number, lines, String(first), String(last), String(received), ahead === undefined ? '' : String(ahead), text]
}

/** Makes a file durable; answers how large it is, and its hash. */
async function sealedFile(path: string): Promise<Sealed> {
  await syncPath(path)
  return { bytes: (await stat(path)).size, sha256: await sha256Of(path) }
}
