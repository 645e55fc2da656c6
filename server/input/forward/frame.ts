import { crc32 } from 'node:zlib'
import { KINDS } from './headers.ts'
import { CHUNK_ID_BYTES } from './limits.ts'
import { MsgpackReader } from './reader.ts'
import { Refusal } from './refusal.ts'

export type Compression = '' | 'gzip' | 'zstd'

/** A frame taken apart; the entries are not decoded yet. */
export interface Frame {
  /** Empty when the frame has none that is a string: its entries are then not stored. */
  readonly tag: string
  /** `message`: time and record side by side; `forward`: entries; `packed`: entries, maybe compressed. */
  readonly mode: 'message' | 'forward' | 'packed'
  readonly body: Buffer
  readonly compression: Compression
  /** The chunk id exactly as it must be echoed; absent when no ack is wanted. */
  readonly chunk?: Buffer
  /** 0 logs, 1 metrics, 2 traces. */
  readonly signal: number
  /** The undecoded value of our own option `swarmlogs`. */
  readonly own?: Buffer
  /** Whether our own option `crc` is the sum of all before it; absent without that. */
  readonly isSound?: boolean
}

type Options = Pick<Frame, 'compression' | 'chunk' | 'signal' | 'own' | 'isSound'>

const NO_OPTIONS: Options = { compression: '', signal: 0 }

/** Takes a whole frame apart, as `FrameScanner` yields it. Throws a Refusal for what is no frame of the forward protocol. */
export function parseFrame(bytes: Buffer): Frame {
  const reader = new MsgpackReader(bytes)
  const elements = reader.arrayLength()
  if (elements < 2 || elements > 4) throw misshapen(`${elements} elements`)
  const tag = reader.textOrSkip()
  const mode = modeOf(reader)
  if (elements < (mode === 'message' ? 3 : 2)) throw misshapen('no record')
  const body = bodyOf(reader, mode)
  const hasOptions = elements === (mode === 'message' ? 4 : 3)
  if (!hasOptions && elements === 4) throw misshapen('an element too many')
  const options = hasOptions ? optionsOf(reader) : NO_OPTIONS
  return { tag, mode, body, ...options, compression: mode === 'packed' ? options.compression : '' }
}

function modeOf(reader: MsgpackReader): Frame['mode'] {
  switch (reader.kind) {
    case KINDS.ARRAY:
      return 'forward'
    case KINDS.STR:
    case KINDS.BIN:
      return 'packed'
    default:
      return 'message'
  }
}

function bodyOf(reader: MsgpackReader, mode: Frame['mode']): Buffer {
  if (mode === 'packed') return reader.binary()
  let start = reader.position
  if (mode === 'forward') {
    const entries = reader.arrayLength()
    start = reader.position
    for (let i = 0; i < entries; i++) reader.skip()
  } else {
    reader.skip()
    reader.skip()
  }
  return reader.bytes.subarray(start, reader.position)
}

function optionsOf(reader: MsgpackReader): Options {
  if (reader.isNil) return NO_OPTIONS
  const found: { -readonly [Name in keyof Options]: Options[Name] } = { ...NO_OPTIONS }
  for (let left = reader.mapLength(); left > 0; left--) {
    const name = reader.textOrSkip()
    const start = reader.position
    if (name === 'chunk') found.chunk = chunkOf(reader)
    else if (name === 'compressed') found.compression = compressionOf(reader)
    else if (name === 'fluent_signal') found.signal = signalOf(reader)
    else if (name === 'crc') found.isSound = isSound(reader)
    else reader.skip()
    if (name === 'swarmlogs') found.own = reader.bytes.subarray(start, reader.position)
  }
  return found
}

function chunkOf(reader: MsgpackReader): Buffer {
  if (reader.kind !== KINDS.STR) throw new Refusal('chunk', 'cannot ack a chunk id that is no string')
  const chunk = reader.binary()
  if (chunk.length > CHUNK_ID_BYTES)
    throw new Refusal('chunk', `cannot ack a chunk id of more than ${CHUNK_ID_BYTES} bytes`)
  // A copy: the id outlives the frame, which may have 16 MiB.
  return Buffer.from(chunk)
}

function compressionOf(reader: MsgpackReader): Compression {
  const name = reader.textOrSkip()
  // fluentd's name for "not compressed", which fluent-logger sends.
  if (name === 'text') return ''
  if (name === 'gzip' || name === 'zstd') return name
  throw new Refusal('compression', `cannot inflate '${name.slice(0, 40)}'; let the sender use gzip or zstd`)
}

function signalOf(reader: MsgpackReader): number {
  const value = reader.value({ keys: 0, values: 0, depth: 0 })
  return typeof value === 'number' ? value : -1
}

/** The sum is the end of the frame, as `uint 32`. */
function isSound(reader: MsgpackReader): boolean {
  const start = reader.position
  const { bytes } = reader
  reader.skip()
  if (reader.position !== bytes.length || reader.position - start !== 5) return false
  return crc32(bytes.subarray(0, start + 1)) === bytes.readUInt32BE(start + 1)
}

function misshapen(what: string): Refusal {
  return new Refusal(
    'frame-shape',
    `cannot take a frame with ${what}; check that the sender speaks the forward protocol`,
  )
}
