/** A line as an own entry needs it; its message stays bytes. */
export interface PackableLine {
  readonly source: 'stdout' | 'stderr'
  readonly seconds: number
  readonly nanos: number
  readonly ordinal: number
  readonly message: Buffer
  readonly cutFrom: number
  readonly headMissing: boolean
}

/** Most bytes that an entry takes beside its message. */
const OVERHEAD = 64
/** Below this a loop beats the call into native code. */
const LOOP_BYTES = 24

const FIXARRAY_2 = 0x92
const FIXMAP = 0x80
const FIXSTR = 0xa0
const FIXEXT_8 = 0xd7

/**
 * Packs lines as entries `[EventTime, OwnEntry]` of a records frame into one growing buffer, by hand: msgpackr would need
 * each message as a JavaScript string. `reset` keeps the memory for the next chunk.
 */
export class EntryPacker {
  #buffer: Buffer
  #at = 0
  #count = 0

  constructor(bytes: number) {
    this.#buffer = Buffer.allocUnsafeSlow(bytes)
  }

  /** Entries since the last reset. */
  get count(): number {
    return this.#count
  }

  /** Bytes since the last reset. */
  get length(): number {
    return this.#at
  }

  /** The packed entries: a view that holds until the next `add` or `reset`. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#at)
  }

  reset(): void {
    this.#at = 0
    this.#count = 0
  }

  /** Packs one line; `stream` is its index into RecordsOption.streams. */
  add(line: PackableLine, stream: number): void {
    const { message, ordinal, cutFrom } = line
    this.#reserve(message.length + OVERHEAD)
    const isStderr = line.source === 'stderr'
    const keys = 2 + (isStderr ? 1 : 0) + (ordinal > 0 ? 1 : 0) + (cutFrom > 0 ? 1 : 0) + (line.headMissing ? 1 : 0)
    const buffer = this.#buffer
    let at = this.#at
    buffer[at++] = FIXARRAY_2
    buffer[at++] = FIXEXT_8
    buffer[at++] = 0
    at = putUint32(buffer, at, line.seconds)
    at = putUint32(buffer, at, line.nanos)
    buffer[at++] = FIXMAP | keys
    at = putKey(buffer, at, 0x6d)
    at = putStringHeader(buffer, at, message.length)
    at = putBytes(buffer, at, message)
    at = putUint(buffer, putKey(buffer, at, 0x73), stream)
    if (isStderr) at = putUint(buffer, putKey(buffer, at, 0x65), 1)
    if (ordinal > 0) at = putUint(buffer, putKey(buffer, at, 0x6f), ordinal)
    if (cutFrom > 0) at = putUint(buffer, putKey(buffer, at, 0x74), cutFrom)
    if (line.headMissing) at = putUint(buffer, putKey(buffer, at, 0x68), 1)
    this.#at = at
    this.#count += 1
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
  }
}

function putUint32(buffer: Buffer, at: number, value: number): number {
  buffer[at] = value >>> 24
  buffer[at + 1] = value >>> 16
  buffer[at + 2] = value >>> 8
  buffer[at + 3] = value
  return at + 4
}

/** A key of one character, given as its code. */
function putKey(buffer: Buffer, at: number, code: number): number {
  buffer[at] = FIXSTR | 1
  buffer[at + 1] = code
  return at + 2
}

function putStringHeader(buffer: Buffer, at: number, length: number): number {
  if (length < 32) {
    buffer[at] = FIXSTR | length
    return at + 1
  }
  if (length < 0x100) {
    buffer[at] = 0xd9
    buffer[at + 1] = length
    return at + 2
  }
  if (length < 0x10000) {
    buffer[at] = 0xda
    buffer[at + 1] = length >>> 8
    buffer[at + 2] = length
    return at + 3
  }
  buffer[at] = 0xdb
  return putUint32(buffer, at + 1, length)
}

function putBytes(buffer: Buffer, at: number, bytes: Buffer): number {
  const { length } = bytes
  if (length > LOOP_BYTES) bytes.copy(buffer, at)
  else for (let index = 0; index < length; index++) buffer[at + index] = bytes[index] ?? 0
  return at + length
}

/** An unsigned integer in its shortest form; up to 2^53. */
function putUint(buffer: Buffer, at: number, value: number): number {
  if (value < 0x80) {
    buffer[at] = value
    return at + 1
  }
  if (value < 0x10000) {
    buffer[at] = 0xcd
    buffer[at + 1] = value >>> 8
    buffer[at + 2] = value
    return at + 3
  }
  if (value < 0x1_0000_0000) {
    buffer[at] = 0xce
    return putUint32(buffer, at + 1, value)
  }
  buffer[at] = 0xcf
  return putUint32(buffer, putUint32(buffer, at + 1, Math.floor(value / 0x1_0000_0000)), value % 0x1_0000_0000)
}
