import type { LogRecord, LogStream } from '../../../shared/record.ts'
import { KINDS } from './headers.ts'
import { FRAME_RECORDS, LINE_BYTES } from './limits.ts'
import { type LineText, lineText } from './line-text.ts'
import { MsgpackReader } from './reader.ts'
import type { Quarantine, RecordSource } from './record-source.ts'
import { Refusal } from './refusal.ts'

const FIXARRAY_2 = 0x92
const FIXEXT_8 = 0xd7
const TIME_BYTES = 11
const FIXSTR_1 = 0xa1
const NS_PER_SECOND = 1_000_000_000

const KEY_MESSAGE = 0x6d
const KEY_STREAM = 0x73
const KEY_STDERR = 0x65
const KEY_ORDINAL = 0x6f
const KEY_CUT = 0x74
const KEY_HEAD_MISSING = 0x68

/** Decodes the entries `[EventTime, OwnEntry]` of a records frame of ours straight from the inflated bytes. */
export class OwnRecords implements RecordSource {
  readonly #reader: MsgpackReader
  readonly #streams: readonly (LogStream | undefined)[]
  readonly #quarantine: Quarantine
  #left = FRAME_RECORDS
  /** The second of the record before: neighbours mostly share it, and bigint arithmetic is slow. */
  #second = -1
  #base = 0n

  constructor(entries: Buffer, streams: readonly (LogStream | undefined)[], quarantine: Quarantine) {
    this.#reader = new MsgpackReader(entries)
    this.#streams = streams
    this.#quarantine = quarantine
  }

  get isDone(): boolean {
    return this.#reader.isAtEnd
  }

  next(max: number): LogRecord[] {
    const records: LogRecord[] = []
    const reader = this.#reader
    for (let left = max; left > 0 && !reader.isAtEnd; left--) {
      if (this.#left-- === 0) {
        this.#quarantine('entry-count', `more than ${FRAME_RECORDS} records in a frame`)
        reader.position = reader.end
        break
      }
      const start = reader.position
      try {
        records.push(this.#record())
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        this.#quarantine(error.reason, error.message)
        reader.position = start
        if (!trySkip(reader)) break
      }
    }
    return records
  }

  #record(): LogRecord {
    const time = this.#time()
    const reader = this.#reader
    const { bytes } = reader
    let line: LineText | undefined
    let stream: LogStream | undefined
    let source: LogRecord['source'] = 'stdout'
    let ordinal = 0
    let cutFrom = 0
    let headMissing = false
    for (let left = reader.mapLength(); left > 0; left--) {
      const key = bytes[reader.position] === FIXSTR_1 ? bytes[reader.position + 1] : undefined
      if (key === undefined) reader.skip()
      else reader.position += 2
      switch (key) {
        case KEY_MESSAGE:
          line = this.#line()
          break
        case KEY_STREAM:
          stream = this.#streams[reader.unsigned()]
          break
        case KEY_STDERR:
          source = reader.unsigned() === 1 ? 'stderr' : 'stdout'
          break
        case KEY_ORDINAL:
          ordinal = reader.unsigned()
          break
        case KEY_CUT:
          cutFrom = reader.unsigned()
          break
        case KEY_HEAD_MISSING:
          headMissing = reader.unsigned() === 1
          break
        default:
          reader.skip()
      }
    }
    if (line === undefined || stream === undefined) throw noOwnEntry()
    const { message } = line
    // Level and fields are taken at the one door for all inputs.
    return {
      stream,
      source,
      time,
      ordinal,
      message,
      cutFrom: cutFrom || line.cutFrom,
      headMissing,
      chunk: '',
      level: '',
      fields: '',
    }
  }

  #time(): bigint {
    const reader = this.#reader
    const { bytes } = reader
    const at = reader.position
    if (at + TIME_BYTES > reader.end || bytes[at] !== FIXARRAY_2 || bytes[at + 1] !== FIXEXT_8 || bytes[at + 2] !== 0)
      throw noOwnEntry()
    const second = bytes.readUInt32BE(at + 3)
    const nanos = bytes.readUInt32BE(at + 7)
    if (nanos >= NS_PER_SECOND) throw noOwnEntry()
    reader.position = at + TIME_BYTES
    if (second !== this.#second) {
      this.#second = second
      this.#base = BigInt(second) * 1_000_000_000n
    }
    return this.#base + BigInt(nanos)
  }

  #line(): LineText {
    const reader = this.#reader
    if (reader.kind !== KINDS.STR) throw noOwnEntry()
    const start = reader.position
    const message = reader.text()
    if (reader.position - start <= LINE_BYTES) return { message, cutFrom: 0 }
    reader.position = start
    return lineText(reader.binary())
  }
}

/** Steps over an entry that was not taken; false when its bytes are no msgpack value, so that all behind it is lost. */
export function trySkip(reader: MsgpackReader): boolean {
  try {
    reader.skip()
    return true
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    reader.position = reader.end
    return false
  }
}

function noOwnEntry(): Refusal {
  return new Refusal('entry', 'cannot read an entry of our own format; check that agent and server fit together')
}
