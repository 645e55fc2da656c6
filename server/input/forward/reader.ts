import { declared, KIND, KINDS, LENGTH_BYTES } from './headers.ts'
import { KEY_BYTES, KEY_REPEATS, RECORD_DEPTH, RECORD_KEYS, RECORD_VALUES } from './limits.ts'
import { Refusal } from './refusal.ts'

/** A msgpack extension value that is kept as it came. */
export class Extension {
  readonly type: number
  readonly data: Buffer

  constructor(type: number, data: Buffer) {
    this.type = type
    this.data = data
  }
}

/** A decoded value: integers beyond 2^53 are bigints, bin is a Buffer, a map is a Map so that no key has a meaning. */
export type Value = null | boolean | number | bigint | string | Buffer | Extension | Value[] | Map<string, Value>

/** What one value may hold; `keys` and `values` are counted down over all its maps and all its arrays. */
export interface Allowance {
  keys: number
  values: number
  depth: number
  /** Keys whose strings are given as bytes: parts of a line may be split within a character. */
  readonly bytesOf?: ReadonlySet<string>
}

/** The allowance of one foreign record. */
export function recordAllowance(bytesOf: ReadonlySet<string>): Allowance {
  return { keys: RECORD_KEYS, values: RECORD_VALUES, depth: RECORD_DEPTH, bytesOf }
}

/**
 * Reads msgpack values one after the other from bytes in memory.
 * Throws a Refusal `entry` where the bytes are no whole value, `entry-limit` where a value exceeds its allowance.
 */
export class MsgpackReader {
  readonly bytes: Buffer
  position: number
  readonly end: number

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.bytes = bytes
    this.position = start
    this.end = end
  }

  get isAtEnd(): boolean {
    return this.position >= this.end
  }

  /** The kind of the next value, one of KINDS. */
  get kind(): number {
    return KIND[this.#peek()] ?? KINDS.INVALID
  }

  get isNil(): boolean {
    return this.#peek() === 0xc0
  }

  /** The number of elements of the array that comes next. */
  arrayLength(): number {
    return this.#header(KINDS.ARRAY, 'an array')
  }

  /** The number of pairs of the map that comes next. */
  mapLength(): number {
    return this.#header(KINDS.MAP, 'a map')
  }

  /** The bytes of the str or bin that comes next, in place. */
  binary(): Buffer {
    return this.bytes.subarray(this.#string(), this.position)
  }

  /** The str or bin that comes next as text; what is not UTF-8 becomes U+FFFD. */
  text(): string {
    return this.bytes.toString('utf8', this.#string(), this.position)
  }

  /** The str that comes next as text; any other value is stepped over and is ''. */
  textOrSkip(): string {
    if (this.kind === KINDS.STR) return this.text()
    this.skip()
    return ''
  }

  /** The integer from 0 to 2^53 that comes next. */
  unsigned(): number {
    const byte = this.#peek()
    if (byte < 0x80) {
      this.position++
      return byte
    }
    const value = KIND[byte] === KINDS.SCALAR ? this.#scalar(byte) : null
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw malformed('no unsigned integer')
    return value
  }

  /** Steps over one value of any depth without recursion. */
  skip(): void {
    for (let owed = 1; owed > 0; owed--) {
      const byte = this.#peek()
      const kind = KIND[byte] ?? KINDS.INVALID
      const size = this.#header(kind, 'a value')
      if (kind === KINDS.ARRAY) owed += size
      else if (kind === KINDS.MAP) owed += 2 * size
      else this.position += size
      if (owed > this.end - this.position + 1) throw malformed('more values than bytes')
    }
  }

  /** Decodes one value; recursion ends at the allowed depth. */
  value(allowance: Allowance): Value {
    const byte = this.#peek()
    switch (KIND[byte]) {
      case KINDS.STR:
        return this.text()
      case KINDS.BIN:
        return this.binary()
      case KINDS.SCALAR:
        return this.#scalar(byte)
      case KINDS.EXT:
        return this.#extension()
      case KINDS.ARRAY:
        return this.#array(deeper(allowance))
      case KINDS.MAP:
        return this.#map(deeper(allowance))
      default:
        throw malformed('the byte 0xc1')
    }
  }

  /** Steps over a str or bin; returns where its bytes begin. */
  #string(): number {
    const length = this.#header(this.kind === KINDS.BIN ? KINDS.BIN : KINDS.STR, 'a string')
    const start = this.position
    this.position += length
    return start
  }

  #array(allowance: Allowance): Value[] {
    const values: Value[] = []
    const length = this.arrayLength()
    allowance.values -= length
    if (allowance.values < 0) throw beyond('too many array elements')
    for (let left = length; left > 0; left--) values.push(this.value(allowance))
    allowance.depth++
    return values
  }

  #map(allowance: Allowance): Map<string, Value> {
    const map = new Map<string, Value>()
    const length = this.mapLength()
    allowance.keys -= length
    if (allowance.keys < 0) throw beyond('too many keys')
    for (let left = length; left > 0; left--) {
      const key = this.#key()
      const value = allowance.bytesOf?.has(key) && this.kind === KINDS.STR ? this.binary() : this.value(allowance)
      map.set(map.has(key) ? unusedName(map, key) : key, value)
    }
    allowance.depth++
    return map
  }

  #key(): string {
    const kind = this.kind
    if (kind !== KINDS.STR && kind !== KINDS.BIN) throw beyond('a key that is no string')
    const key = this.binary()
    if (key.length > KEY_BYTES) throw beyond(`a key of more than ${KEY_BYTES} bytes`)
    return key.toString()
  }

  #scalar(byte: number): null | boolean | number | bigint {
    const at = this.position + 1
    this.position = at + this.#header(KINDS.SCALAR, 'a number')
    if (byte < 0x80) return byte
    if (byte >= 0xe0) return byte - 0x100
    return scalars[byte]?.(this.bytes, at) ?? null
  }

  #extension(): Extension {
    const length = this.#header(KINDS.EXT, 'an extension') - 1
    const type = this.bytes.readInt8(this.position)
    const start = this.position + 1
    this.position = start + length
    return new Extension(type, this.bytes.subarray(start, this.position))
  }

  #peek(): number {
    if (this.position >= this.end) throw malformed('the end of the bytes')
    return this.bytes[this.position] ?? 0
  }

  /** Steps over a header of the wanted kind; what it declares is sure to fit in the bytes that are left. */
  #header(wanted: number, name: string): number {
    const at = this.position
    const byte = this.#peek()
    if (KIND[byte] !== wanted || wanted === KINDS.INVALID) throw malformed(`0x${byte.toString(16)} instead of ${name}`)
    const start = at + 1 + (LENGTH_BYTES[byte] ?? 0)
    if (start > this.end) throw malformed('the end of the bytes')
    const size = declared(this.bytes, at)
    if (size > this.end - start) throw malformed(`${size} declared with ${this.end - start} bytes left`)
    this.position = start
    return size
  }
}

const scalars: Readonly<Record<number, (bytes: Buffer, at: number) => boolean | number | bigint>> = {
  194: () => false,
  195: () => true,
  202: (bytes, at) => bytes.readFloatBE(at),
  203: (bytes, at) => bytes.readDoubleBE(at),
  204: (bytes, at) => bytes.readUInt8(at),
  205: (bytes, at) => bytes.readUInt16BE(at),
  206: (bytes, at) => bytes.readUInt32BE(at),
  207: (bytes, at) => narrow(bytes.readBigUInt64BE(at)),
  208: (bytes, at) => bytes.readInt8(at),
  209: (bytes, at) => bytes.readInt16BE(at),
  210: (bytes, at) => bytes.readInt32BE(at),
  211: (bytes, at) => narrow(bytes.readBigInt64BE(at)),
}

function narrow(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

function deeper(allowance: Allowance): Allowance {
  if (--allowance.depth < 0) throw beyond('arrays or maps nested too deep')
  return allowance
}

/** A key that comes twice keeps both values: the later one is named `key#2`, `key#3`, ... */
function unusedName(map: ReadonlyMap<string, unknown>, key: string): string {
  for (let count = 2; count <= KEY_REPEATS; count++) {
    const name = `${key}#${count}`
    if (!map.has(name)) return name
  }
  throw beyond(`a key that comes more than ${KEY_REPEATS} times`)
}

function malformed(what: string): Refusal {
  return new Refusal('entry', `cannot read an entry: found ${what}; check the sender's msgpack`)
}

function beyond(what: string): Refusal {
  return new Refusal('entry-limit', `cannot take a record with ${what}; let the sender flatten or split it`)
}
