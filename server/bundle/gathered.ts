import type { LogStream } from '../../shared/record.ts'
import { labelsOf } from '../store/labels.ts'
import type { ArchivedLine, ParquetWriter } from '../store/open.ts'
import type { ArchivedEnd, ArchivedHead, ArchivedItem, ArchivedTuple } from './line-reader.ts'
import type { StreamLines } from './manifest.ts'

/** A file has about so many characters of text at most. */
const MAX_CHARS = 32 * 1024 * 1024

/** Gathers what answers tell: lines for the next file, gaps, streams. */
export class Gathered {
  readonly gaps: unknown[] = []
  readonly streams: LogStream[] = []
  /** All lines until now, and the time of the last. */
  lines = 0
  time = 0n
  /** Lines that no file has yet. */
  waiting = 0
  files = 0
  readonly #writer: ParquetWriter
  readonly #fileLines: number
  readonly #known = new Map<string, number>()
  /** Numbers of streams by what the answer that is read calls them. */
  #numbers: number[] = []
  #chars = 0
  #held = new Map<number, { lines: number; first: bigint; last: bigint }>()

  /** @param fileLines a file has about so many lines: what is damaged costs no more than that. */
  constructor(writer: ParquetWriter, fileLines: number) {
    this.#writer = writer
    this.#fileLines = fileLines
  }

  /** Whether it is time for a file. */
  get isFull(): boolean {
    return this.waiting >= this.#fileLines || this.#chars >= MAX_CHARS
  }

  /** Takes some lines of an answer; answers its head and its end when they are among them. */
  async take(items: readonly ArchivedItem[]): Promise<{ first?: ArchivedHead; end?: ArchivedEnd }> {
    const lines: ArchivedLine[] = []
    const fresh: { number: number; stream: LogStream }[] = []
    const found: { first?: ArchivedHead; end?: ArchivedEnd } = {}
    for (const item of items) {
      if (isTuple(item)) lines.push(this.#lineOf(item))
      else if ('labels' in item) this.#name(item.stream, item.labels, fresh)
      else if ('gap' in item) this.gaps.push(item.gap)
      else if ('end' in item) found.end = item
      else {
        found.first = item
        this.#numbers = []
      }
    }
    await this.#writer.addStreams(fresh)
    await this.#writer.add(lines)
    return found
  }

  /** Writes what waits to a file; answers what it has. */
  async write(path: string): Promise<{ lines: number; streams: readonly StreamLines[] }> {
    await this.#writer.write(path)
    const streams = [...this.#held].map(
      ([number, { lines, first, last }]) => [number, lines, String(first), String(last)] as const,
    )
    const lines = this.waiting
    this.waiting = 0
    this.files++
    this.#chars = 0
    this.#held = new Map()
    return { lines, streams }
  }

  #name(number: number, stream: LogStream, fresh: { number: number; stream: LogStream }[]): void {
    const key = labelsOf(stream)
    let own = this.#known.get(key)
    if (own === undefined) {
      own = this.streams.length
      this.#known.set(key, own)
      this.streams.push(stream)
      fresh.push({ number: own, stream })
    }
    this.#numbers[number] = own
  }

  #lineOf([
    number,
    source,
    timeText,
    received,
    ordinal,
    level,
    cutFrom,
    headMissing,
    message,
    fields,
  ]: ArchivedTuple): ArchivedLine {
    const stream = this.#numbers[number]
    if (stream === undefined) throw new Error('BUG: a line of a stream without labels')
    const time = BigInt(timeText)
    this.lines++
    this.waiting++
    this.#chars += message.length + fields.length
    this.time = time
    const held = this.#held.get(stream)
    if (held === undefined) this.#held.set(stream, { lines: 1, first: time, last: time })
    else {
      // They come in the order of their times.
      held.lines++
      held.last = time
    }
    return {
      ...{ time, received: BigInt(received), source, ordinal, level, message, fields, cutFrom },
      ...{ headMissing: headMissing === 1, stream },
    }
  }
}

function isTuple(item: ArchivedItem): item is ArchivedTuple {
  return Array.isArray(item)
}
