import { hash } from 'node:crypto'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { Position } from '../../shared/record.ts'

/*
 * A cursor is opaque to clients: base64url of
 *   version u8, kind u8, store [4], question [4], body, digest [8]
 * The digest is keyed by the store's id, so a forged or damaged cursor is refused, and so is one of another store or another question.
 */

/** Where a walk through a fixed set of records stands: everything up to `position` has been delivered. */
export interface Cursor {
  readonly kind: 'search' | 'tail'
  /** The set: records committed after this (exclusive; absent: from the first on) ... */
  readonly receivedAfter?: bigint
  /** ... up to this (inclusive), ... */
  readonly receivedUpTo: bigint
  /** ... with the question's relative times as they were when it was asked. */
  readonly since?: bigint
  readonly until?: bigint
  /** Absent: the whole set has been delivered. */
  readonly position?: Position
  /** Digests of lines behind `position` that have been delivered, too; `MAX_AHEAD` at most. */
  readonly ahead?: readonly bigint[]
  /** How many records of the question's `limit` remain for a streamed answer. */
  readonly remaining?: number
  /** Lines were missing when the set was fixed, which later reports of agents must not hide. */
  readonly isDoubtful?: boolean
}

const VERSION = 1
const KINDS = ['search', 'tail'] as const
/** Beside the kind. */
const IS_DOUBTFUL = 128
const HAS_AHEAD = 64
/** A cursor names so many lines: it must fit in a header. */
export const MAX_AHEAD = 64
const HEAD_BYTES = 10
const DIGEST_BYTES = 8
const HEX_ID = /^(?:[0-9a-f]{2}){1,64}$/

/** Writes and reads the cursors of one store and one question. */
export class Cursors {
  readonly #key: Buffer
  readonly #head: Buffer

  /** `question` is everything that the answer's records depend on, as text. */
  constructor(storeId: string, question: string) {
    this.#key = Buffer.from(storeId)
    this.#head = Buffer.concat([digestOf(storeId), digestOf(question)])
  }

  /** Writes a cursor. */
  write(cursor: Cursor): string {
    const { ahead = [] } = cursor
    const kind =
      KINDS.indexOf(cursor.kind) | (cursor.isDoubtful === true ? IS_DOUBTFUL : 0) | (ahead.length > 0 ? HAS_AHEAD : 0)
    const body = Buffer.concat([Buffer.from([VERSION, kind]), this.#head, encodeAhead(ahead), encodeBody(cursor)])
    return Buffer.concat([body, this.#sign(body)]).toString('base64url')
  }

  /** Reads the place of a cursor that any question to this store gave, of any kind; undefined where it stands for the end. */
  place(text: string): Position | undefined {
    return decoded(this.#body(text)).position
  }

  /** Reads a cursor; throws SWARMLOGS_USAGE, which says why it cannot be used here. */
  read(text: string, kind: Cursor['kind']): Cursor {
    const body = this.#body(text)
    if (!body.subarray(6, HEAD_BYTES).equals(this.#head.subarray(4)))
      throw unusable('it belongs to a request with other parameters')
    const written = body[1] ?? 0
    if (KINDS[written & ~IS_DOUBTFUL & ~HAS_AHEAD] !== kind) throw unusable(`it is none of ${kind}`)
    const isDoubtful = (written & IS_DOUBTFUL) !== 0
    return { kind, ...decoded(body), ...(isDoubtful && { isDoubtful }) }
  }

  /** What a cursor of this store holds, without its digest. */
  #body(text: string): Buffer {
    const bytes = Buffer.from(text, 'base64url')
    if (bytes.length < HEAD_BYTES + DIGEST_BYTES || bytes.toString('base64url') !== text)
      throw unusable('it is damaged')
    if (bytes[0] !== VERSION) throw unusable('another version of swarmlogs made it')
    if (!bytes.subarray(2, 6).equals(this.#head.subarray(0, 4))) throw unusable('it belongs to another store')
    const body = bytes.subarray(0, -DIGEST_BYTES)
    if (!this.#sign(body).equals(bytes.subarray(-DIGEST_BYTES))) throw unusable('it is damaged')
    return body
  }

  #sign(body: Buffer): Buffer {
    // Not an HMAC: that costs thirty times as much, and nothing is guarded here but against mistakes and mischief.
    return hash('sha256', Buffer.concat([this.#key, body]), 'buffer').subarray(0, DIGEST_BYTES)
  }
}

function unusable(why: string): SwarmlogsError {
  return new SwarmlogsError(
    'SWARMLOGS_USAGE',
    `cannot use this cursor: ${why}; use one that this request gave, or leave it out`,
  )
}

function digestOf(text: string): Buffer {
  return hash('sha256', text, 'buffer').subarray(0, 4)
}

function encodeAhead(ahead: readonly bigint[]): Buffer {
  if (ahead.length === 0) return Buffer.alloc(0)
  return Buffer.concat([Buffer.from([ahead.length]), Buffer.from(BigUint64Array.from(ahead).buffer)])
}

/** What stands behind the head. */
function decoded(body: Buffer): Omit<Cursor, 'kind'> {
  if (((body[1] ?? 0) & HAS_AHEAD) === 0) return decodeBody(body.subarray(HEAD_BYTES))
  const [from, count] = [HEAD_BYTES + 1, body.readUInt8(HEAD_BYTES)]
  const ahead = Array.from({ length: count }, (_, index) => body.readBigUInt64LE(from + index * 8))
  return { ...decodeBody(body.subarray(from + count * 8)), ahead }
}

const TIMES = ['receivedAfter', 'receivedUpTo', 'since', 'until'] as const
const HAS_REMAINING = 16
const HAS_POSITION = 32
const IS_STDERR = 64
const IS_HEX = 128

function encodeBody(cursor: Cursor): Buffer {
  const { position, remaining } = cursor
  const bytes = Buffer.allocUnsafe(
    64 + (position === undefined ? 0 : 3 * (position.nodeId.length + position.containerId.length)),
  )
  let flags = 0
  let end = 1
  for (const [bit, name] of TIMES.entries()) {
    const time = cursor[name]
    if (time === undefined) continue
    flags |= 1 << bit
    end = bytes.writeBigInt64LE(time, end)
  }
  if (remaining !== undefined) {
    flags |= HAS_REMAINING
    end = bytes.writeDoubleLE(remaining, end)
  }
  if (position !== undefined) {
    const isHex = HEX_ID.test(position.containerId)
    flags |= HAS_POSITION | (position.source === 'stderr' ? IS_STDERR : 0) | (isHex ? IS_HEX : 0)
    end = bytes.writeBigInt64LE(position.time, end)
    end = bytes.writeDoubleLE(position.ordinal, end)
    const nodeBytes = bytes.write(position.nodeId, end + 2)
    bytes.writeUInt16LE(nodeBytes, end)
    end += 2 + nodeBytes
    end += bytes.write(position.containerId, end, isHex ? 'hex' : 'utf8')
  }
  bytes[0] = flags
  return bytes.subarray(0, end)
}

function decodeBody(bytes: Buffer): Omit<Cursor, 'kind'> {
  const flags = bytes.readUInt8(0)
  let at = 1
  const times: { -readonly [Name in (typeof TIMES)[number]]?: bigint } = {}
  for (const [bit, name] of TIMES.entries()) {
    if ((flags & (1 << bit)) === 0) continue
    times[name] = bytes.readBigInt64LE(at)
    at += 8
  }
  const remaining = (flags & HAS_REMAINING) === 0 ? undefined : bytes.readDoubleLE(at)
  if (remaining !== undefined) at += 8
  const position = (flags & HAS_POSITION) === 0 ? undefined : decodePosition(bytes.subarray(at), flags)
  return { receivedUpTo: 0n, ...times, ...(remaining !== undefined && { remaining }), ...(position && { position }) }
}

function decodePosition(bytes: Buffer, flags: number): Position {
  const nodeEnd = 18 + bytes.readUInt16LE(16)
  return {
    time: bytes.readBigInt64LE(0),
    ordinal: bytes.readDoubleLE(8),
    nodeId: bytes.toString('utf8', 18, nodeEnd),
    containerId: bytes.toString((flags & IS_HEX) === 0 ? 'utf8' : 'hex', nodeEnd),
    source: (flags & IS_STDERR) === 0 ? 'stdout' : 'stderr',
  }
}
