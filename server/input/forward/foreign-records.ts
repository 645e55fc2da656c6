import { createHash } from 'node:crypto'
import type { LogRecord } from '../../../shared/record.ts'
import { type EventTime, readEventTime } from './event-time.ts'
import { describe, foreignEvent, LINE_KEYS } from './foreign-event.ts'
import { type ForeignStreams, sanitisedTag } from './foreign-streams.ts'
import type { Frame } from './frame.ts'
import { FRAME_RECORDS } from './limits.ts'
import { lineText } from './line-text.ts'
import { trySkip } from './own-records.ts'
import type { Joined, Partials } from './partials.ts'
import { MsgpackReader, recordAllowance, type Value } from './reader.ts'
import type { Quarantine, RecordSource } from './record-source.ts'
import { Refusal } from './refusal.ts'

/** What the records of one connection have in common. */
export interface ForeignContext {
  readonly sender: string
  readonly streams: ForeignStreams
  /** Where parts of lines wait for their rest. */
  readonly partials: Partials
  readonly quarantine: Quarantine
}

/**
 * Decodes the events of a foreign frame; `entries` are its body, inflated.
 * Parts of a long line are put together, over frames as well, unless the sender asked for an ack: Docker's driver waits
 * for the ack of one part before it sends the next, and an ack must mean that the part is stored, so it is stored as it is.
 */
export class ForeignRecords implements RecordSource {
  readonly #reader: MsgpackReader
  readonly #context: ForeignContext
  readonly #isMessage: boolean
  readonly #tag: string
  readonly #chunk: string
  #left = FRAME_RECORDS
  /** Records made so far; with the same content they come in the same order, so it tells a chunk's records apart. */
  #index = 0

  constructor(frame: Frame, entries: Buffer, context: ForeignContext) {
    this.#reader = new MsgpackReader(entries)
    this.#context = context
    this.#isMessage = frame.mode === 'message'
    this.#tag = sanitisedTag(frame.tag)
    this.#chunk = frame.chunk === undefined ? '' : chunkIdentity(context.sender, frame, entries)
  }

  get isDone(): boolean {
    return this.#reader.isAtEnd
  }

  next(max: number): LogRecord[] {
    const records: LogRecord[] = []
    const reader = this.#reader
    for (let left = max; left > 0 && !reader.isAtEnd; left--) {
      const start = reader.position
      try {
        if (this.#left-- === 0)
          throw new Refusal('entry-count', `cannot take more than ${FRAME_RECORDS} records in a frame`)
        for (const line of this.#event()) records.push(this.#record(line))
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        this.#context.quarantine(error.reason, error.message)
        reader.position = error.reason === 'entry-count' ? reader.end : start
        this.#skipEvent()
      }
    }
    return records
  }

  /** Reads the next event; the lines that are whole by it. */
  #event(): Joined[] {
    const reader = this.#reader
    if (!this.#isMessage && reader.arrayLength() !== 2)
      throw new Refusal('entry', 'cannot take an entry that is no pair')
    let metadata: Value = null
    const time = readEventTime(reader, (value) => {
      metadata = value
    })
    const record = reader.value(recordAllowance(LINE_KEYS))
    if (time === 'marker') return []
    if (!(record instanceof Map)) throw new Refusal('entry', 'cannot take an event whose record is no map')
    const event = foreignEvent(record, metadata, this.#chunk !== '')
    const line = { time: nanosOf(time), tag: this.#tag, event, wholeBytes: event.line.length }
    return event.part === undefined ? [line] : this.#context.partials.add(line, event.part, Date.now())
  }

  #record(line: Joined): LogRecord {
    return recordOf(line, this.#context.streams, this.#chunk, this.#index++)
  }

  #skipEvent(): void {
    if (this.#reader.isAtEnd || !trySkip(this.#reader)) return
    if (this.#isMessage && !this.#reader.isAtEnd) trySkip(this.#reader)
  }
}

/** Makes the record of a foreign line. */
export function recordOf(line: Joined, streams: ForeignStreams, chunk: string, index: number): LogRecord {
  const { time, tag, event, wholeBytes } = line
  const { message, cutFrom } = lineText(event.line, wholeBytes)
  return {
    stream: streams.stream({ ...event.origin, tag }),
    source: event.source,
    time,
    ordinal: index,
    message,
    cutFrom,
    headMissing: false,
    chunk,
    ...describe(event, message),
  }
}

/** A time that is missing or odd becomes that of the arrival. */
function nanosOf(time: EventTime): bigint {
  return typeof time === 'bigint' ? time : BigInt(Date.now()) * 1_000_000n
}

/**
 * What a chunk is known by when it is sent again: the sender, and a hash of its id and content, as the same id with other content is
 * another chunk. Of the inflated entries: a retry may be compressed anew.
 */
function chunkIdentity(sender: string, { chunk, tag }: Frame, entries: Buffer): string {
  const hash = createHash('sha256')
  for (const part of [chunk ?? '', tag]) hash.update(`${part.length} `).update(part)
  return `${sender} ${hash.update(entries).digest('base64url').slice(0, 22)}`
}
