import { crc32 } from 'node:zlib'
import type { GapReason } from '../gap.ts'
import type { LogStream } from '../record.ts'

/*
 * What our agent and our server say to each other inside the Fluentd forward protocol (v1), so that any other
 * receiver still understands the agent and any other sender the server. After the handshake the agent sends an
 * empty Forward frame with a chunk id and `swarmlogs: AgentHello` in its options. Our server acks it with
 * `swarmlogs: ServerHello` beside `ack`; an ack without that is a foreign receiver.
 */

/** The number of our own wire format; a server refuses a newer one than its own. */
export const WIRE_FORMAT = 1

export const HELLO_TAG = 'swarmlogs.hello'
export const RECORDS_TAG = 'swarmlogs.records'
export const INVENTORY_TAG = 'swarmlogs.inventory'
export const REPORT_TAG = 'swarmlogs.report'
/** Of empty frames with padding, which show whether chunks get through. */
export const PROBE_TAG = 'swarmlogs.probe'

/** Option `swarmlogs` of the hello frame. */
export interface AgentHello {
  readonly format: number
  readonly version: string
  readonly nodeId: string
  readonly nodeName: string
}

/** Key `swarmlogs` of the ack of the hello frame. `error` is set, and the connection then closed, when the agent is refused. */
export interface ServerHello {
  readonly format: number
  readonly version: string
  /** The store's UUID. */
  readonly store: string
  readonly epoch: number
  /** How long lines are kept, by their own time, ms: older ones need not be sent. Absent: not said. */
  readonly retentionMs?: number
  readonly error?: string
  /** What `identitySum` answers for store and epoch: an agent must not take a flipped bit for another store. */
  readonly sum?: number
  /**
   * `printOpenings` of the store's openings. Where it is there, acks of records have `at`: `printCommit` of a commit by which they are
   * stored. Absent: an older copy of the store cannot be told from it.
   */
  readonly openings?: string
}

/** A sum of who a store is. */
export function identitySum(store: string, epoch: number): number {
  return crc32(`${store}/${epoch}`)
}

/**
 * Option `swarmlogs` of a records frame: `[RECORDS_TAG, zstd(entries), {chunk, size, compressed: 'zstd', swarmlogs}]`.
 * An entry is `[EventTime, OwnEntry]`. An inventory is `[INVENTORY_TAG, [[EventTime, Inventory]], {chunk}]`, an agent's
 * report `[REPORT_TAG, [[EventTime, AgentReport]], {chunk}]`. All of them, the hello and the probe have `crc` as the last key of their
 * options: the CRC-32 of the frame's bytes before that value.
 */
export interface RecordsOption {
  readonly format: number
  /** LogStreams that the entries of this chunk refer to by index. */
  readonly streams: readonly LogStream[]
  /** Gaps that were found with these lines; a chunk may hold nothing else. They are stored before the chunk is acked. */
  readonly gaps?: readonly OwnGap[]
}

/** A gap of one of the chunk's streams. */
export interface OwnGap {
  /** index into RecordsOption.streams */
  readonly s: number
  /** from and to, nanoseconds since 1970, decimal */
  readonly f: string
  readonly t: string
  readonly r: GapReason
  /** at least, at most */
  readonly n: number
  readonly x?: number
}

/**
 * What a LogStream's attributes are cut to, in characters, by the agent and again by the server: anybody can put any labels on a
 * container, and its lines must not be refused for them. The first so many are kept.
 */
export const ATTRIBUTE_LIMITS = { count: 256, name: 512, value: 4096 } as const

/** The record of an entry; what is not there has its zero value. */
export interface OwnEntry {
  /** message, msgpack str; the bytes may be invalid UTF-8 */
  readonly m: string
  /** index into RecordsOption.streams */
  readonly s: number
  /** 1: stderr */
  readonly e?: 1
  /** ordinal */
  readonly o?: number
  /** cutFrom */
  readonly t?: number
  /** 1: headMissing */
  readonly h?: 1
}
