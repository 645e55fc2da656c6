import { crc32 } from 'node:zlib'
import { Packr } from 'msgpackr'
import type { Inventory } from '../inventory.ts'
import type { AgentReport } from '../report.ts'
import {
  type AgentHello,
  HELLO_TAG,
  INVENTORY_TAG,
  PROBE_TAG,
  RECORDS_TAG,
  REPORT_TAG,
  type RecordsOption,
} from './own.ts'

// Plain msgpack: without msgpackr's record extension, which no other receiver knows.
const packr = new Packr({ useRecords: false, variableMapSize: true })

/** Packs one value as plain msgpack; Buffers become bin. */
export function pack(value: unknown): Buffer {
  return packr.pack(value)
}

/** A sealed chunk's part of a frame. */
export interface FrameBody {
  /** Chunk id, which the ack repeats. */
  readonly id: string
  readonly records: number
  /** Compressed entries. */
  readonly body: Buffer
}

/** A records frame of our own wire format, in pieces to be written one after the other. `option` is what `packOption` made. */
export function recordsFrame(chunk: FrameBody, option: Uint8Array): Buffer[] {
  const tail = Buffer.concat([optionHead(chunk, 'zstd', 5), SWARMLOGS_KEY, option])
  return summed([packedHead(chunk.body.length), chunk.body, tail])
}

/** Packs the `swarmlogs` option of a records frame: once when it is sealed, however often it is sent. */
export function packOption(option: RecordsOption): Buffer {
  return packr.pack(option)
}

/** The same chunk for any other receiver: gzip, and no option of our own. */
export function foreignFrame(chunk: FrameBody): Buffer[] {
  return [packedHead(chunk.body.length), chunk.body, optionHead(chunk, 'gzip', 3)]
}

/** The empty Forward frame after the handshake, whose ack tells our server from any other receiver. */
export function helloFrame(hello: AgentHello, id: string): Buffer {
  const head = [Buffer.from([FIXARRAY_3]), packr.pack(HELLO_TAG), Buffer.from([FIXARRAY_0])]
  const option = [Buffer.from([FIXMAP | 3]), CHUNK_KEY, packr.pack(id), SWARMLOGS_KEY, packr.pack(hello)]
  return Buffer.concat(summed([...head, ...option]))
}

/** A frame that holds nothing to be stored, whoever takes it, but is as large as a chunk: whether that gets through shows its ack. */
export function probeFrame(id: string, padding: Buffer): Buffer {
  const head = [Buffer.from([FIXARRAY_3]), packr.pack(PROBE_TAG), Buffer.from([FIXARRAY_0])]
  const option = [Buffer.from([FIXMAP | 3]), CHUNK_KEY, packr.pack(id), packr.pack('padding'), packr.pack(padding)]
  return Buffer.concat(summed([...head, ...option]))
}

/** What a manager knows of its Swarm, as a frame. */
export function inventoryFrame(inventory: Inventory, id: string): Buffer {
  return noticeFrame(INVENTORY_TAG, inventory, id)
}

/** What an agent tells of itself, as a frame. */
export function reportFrame(report: AgentReport, id: string): Buffer {
  return noticeFrame(REPORT_TAG, report, id)
}

function noticeFrame(tag: string, notice: { readonly time: string }, id: string): Buffer {
  const time = BigInt(notice.time)
  const entry = packEntry(eventTime(Number(time / 1_000_000_000n), Number(time % 1_000_000_000n)), notice)
  const head = [Buffer.from([FIXARRAY_3]), packr.pack(tag), Buffer.from([FIXARRAY_1]), entry]
  return Buffer.concat(summed([...head, Buffer.from([FIXMAP | 2]), CHUNK_KEY, packr.pack(id)]))
}

/** Adds `crc`, the last key of the option map: the sum of all before it. Without TLS nothing else tells of bits that were flipped. */
function summed(pieces: readonly Buffer[]): Buffer[] {
  const all = [...pieces, CRC_HEAD]
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(all.reduce((before, piece) => crc32(piece, before), 0))
  return [...all, sum]
}

/** An EventTime: msgpack ext type 0 of 8 bytes, seconds since 1970 and the nanoseconds within. msgpackr cannot write type 0. */
export function eventTime(seconds: number, nanos: number): Buffer {
  const bytes = Buffer.from([0xd7, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  bytes.writeUInt32BE(seconds, 2)
  bytes.writeUInt32BE(nanos, 6)
  return bytes
}

/** An entry `[time, record]`, its time as `eventTime` made it. */
export function packEntry(time: Uint8Array, record: object): Buffer {
  return Buffer.concat([Buffer.from([FIXARRAY_2]), time, packr.pack(record)])
}

const FIXARRAY_0 = 0x90
const FIXARRAY_1 = 0x91
const FIXARRAY_2 = 0x92
const FIXARRAY_3 = 0x93
const BIN_32 = 0xc6
const FIXMAP = 0x80
const UINT_32 = 0xce
const CHUNK_KEY = packr.pack('chunk')
const SWARMLOGS_KEY = packr.pack('swarmlogs')
const CRC_HEAD = Buffer.concat([packr.pack('crc'), Buffer.from([UINT_32])])
const TAG = packr.pack(RECORDS_TAG)

function packedHead(bodyBytes: number): Buffer {
  const binHead = Buffer.from([BIN_32, 0, 0, 0, 0])
  binHead.writeUInt32BE(bodyBytes, 1)
  return Buffer.concat([Buffer.from([FIXARRAY_3]), TAG, binHead])
}

function optionHead(chunk: FrameBody, compressed: 'zstd' | 'gzip', keys: number): Buffer {
  const pairs = { chunk: chunk.id, size: chunk.records, compressed }
  const parts = Object.entries(pairs).flatMap((pair) => pair.map((part) => Buffer.from(packr.pack(part))))
  return Buffer.concat([Buffer.from([FIXMAP | keys]), ...parts])
}
