import { readSync } from 'node:fs'
import { constants, open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { exists } from '../folder.ts'
import { hasBit, type Signed } from './signature.ts'

/*
 * The signatures of a segment's lines stand in a file beside it, block behind block from the first row on: a head, then the signature, the
 * capitals that no block before has, the counts of words. It is never synced: each block carries a checksum, and what was cut off or damaged
 * is made anew.
 */

const FORMAT = 1
const MAGIC = 0x5347_0000 + FORMAT
const HEAD_BYTES = 56
const PIECE_BYTES = 2 ** 20
/** What the system has in memory takes microseconds. */
const LONG_WAIT_MS = 1
/** Larger than any signature. */
const MAX_SIGNATURE = 2 ** 20
/** Of a segment with more runs of letters that have capitals it is not told which ones. */
const MAX_CAPITALS = 16_384
/** Larger than any packed counts. */
const MAX_COUNTS = 2 ** 22

/** Rows of a segment that have a signature. */
export interface Block {
  /** Numbers of its rows, [from, to). */
  readonly from: number
  readonly to: number
  /** Times of its first and last line. */
  readonly first: bigint
  readonly last: bigint
  /** Newest `received`: tells whether the rows are still those that were read. */
  readonly received: bigint
}

/** A block as the file has it. */
export interface Placed extends Block {
  /** Of the signature. */
  readonly offset: number
  readonly bytes: number
  readonly newCapitals: number
  /** Bytes of the counts; 0 when there are none. */
  readonly counts: number
}

/** The signatures of one segment. */
export class GramFile {
  readonly path: string
  #blocks: readonly Placed[] = []
  #capitals = new Set<number>()
  #bytes = 0
  #isLoaded = false
  #generation = 0

  constructor(path: string) {
    this.path = path
  }

  /** Those that can be relied on, from the first row on without a hole. */
  get blocks(): readonly Block[] {
    return this.#blocks
  }

  /** So many rows have signatures. */
  get rows(): number {
    return this.#blocks.at(-1)?.to ?? 0
  }

  /** The runs of letters with capitals that all blocks have together; undefined when there are too many to tell. */
  get capitals(): ReadonlySet<number> | undefined {
    return this.#capitals.size > MAX_CAPITALS ? undefined : this.#capitals
  }

  /** Whether it was looked at what the file has. */
  get isLoaded(): boolean {
    return this.#isLoaded
  }

  /** Another one after each `forget`: what was read of the segment before that must not be appended. */
  get generation(): number {
    return this.#generation
  }

  /** Relies on nothing that is in the file until it is loaded. */
  forget(): void {
    this.#blocks = []
    this.#capitals = new Set()
    this.#bytes = 0
    this.#isLoaded = false
    this.#generation++
  }

  /**
   * Takes over what the file has, up to the first block that is not whole, and nothing of it when `isCurrent` says of the last one that
   * its rows are other ones. `rest` is awaited after each.
   */
  async load(isCurrent: (last: Block) => Promise<boolean>, rest: () => Promise<void>): Promise<void> {
    const generation = this.#generation
    const capitals = new Set<number>()
    const blocks = await this.#read(capitals, rest)
    const last = blocks.at(-1)
    const isUsable = last !== undefined && (await isCurrent(last))
    if (this.#generation !== generation) return
    this.#isLoaded = true
    if (!isUsable) return
    this.#blocks = blocks
    this.#capitals = capitals
    this.#bytes = endOf(last)
  }

  async #read(capitals: Set<number>, rest: () => Promise<void>): Promise<readonly Placed[]> {
    const blocks: Placed[] = []
    if (!(await exists(this.path))) return blocks
    const handle = await open(this.path, 'r')
    try {
      for (let offset = 0; ; ) {
        const head = Buffer.alloc(HEAD_BYTES)
        if ((await handle.read(head, 0, HEAD_BYTES, offset)).bytesRead < HEAD_BYTES) break
        const block = blockOf(head, offset, blocks.at(-1)?.to ?? 0)
        if (block === undefined) break
        const body = Buffer.alloc(endOf(block) - block.offset)
        const { bytesRead } = await handle.read(body, 0, body.length, block.offset)
        if (bytesRead < body.length || checksum(head, body) !== head.readUInt32LE(4)) break
        blocks.push(block)
        for (let at = block.bytes; at < body.length - block.counts; at += 4) capitals.add(body.readUInt32LE(at))
        offset = endOf(block)
        await rest()
      }
    } finally {
      await handle.close()
    }
    return blocks
  }

  /** Adds the block behind the last one, with its counts (see word-counts.ts); what stood behind that in the file is gone. */
  async append(block: Block, { signature, capitals }: Signed, counts: Uint8Array): Promise<void> {
    const generation = this.#generation
    const fresh = capitals.filter((one) => !this.#capitals.has(one)).slice(0, MAX_CAPITALS + 1 - this.#capitals.size)
    const at = this.#bytes
    const [bytes, newCapitals] = [signature.length, fresh.length]
    const placed = { ...block, offset: at + HEAD_BYTES, bytes, newCapitals, counts: counts.length }
    const body = Buffer.concat([signature, Buffer.from(Uint32Array.from(fresh).buffer), counts])
    const handle = await open(this.path, constants.O_RDWR | constants.O_CREAT, 0o600)
    try {
      await handle.truncate(at)
      await handle.write(Buffer.concat([headOf(placed, body), body]), 0, undefined, at)
    } finally {
      await handle.close()
    }
    if (this.#generation !== generation) return
    this.#blocks = [...this.#blocks, placed]
    for (const one of fresh) this.#capitals.add(one)
    this.#bytes = endOf(placed)
  }

  /**
   * The blocks, of those that are wanted, that may have all the grams. A few bytes of each signature tell that; as long as the system has the
   * file in memory they are there at once. When one had to be waited for, what follows is read in large pieces before.
   */
  async having(grams: readonly number[], isWanted: (block: Block) => boolean): Promise<Placed[]> {
    const found: Placed[] = []
    const handle = await open(this.path, 'r')
    const room = Buffer.allocUnsafe(PIECE_BYTES)
    const byteAt = (at: number): number => {
      if (readSync(handle.fd, room, 0, 1, at) === 0) throw new Error(`${this.path} is shorter than it was`)
      return room[0] ?? 0
    }
    let hadToWait = false
    try {
      for (const blocks of pieces(this.#blocks.filter(isWanted))) {
        let isRead = false
        for (const block of blocks) {
          if (hadToWait && !isRead) await handle.read(room, 0, room.length, block.offset)
          isRead = hadToWait
          const started = performance.now()
          if (grams.every((gram) => hasBit(block.bytes, gram, (at) => byteAt(block.offset + at)))) found.push(block)
          hadToWait ||= performance.now() - started > LONG_WAIT_MS
        }
      }
    } finally {
      await handle.close()
    }
    return found
  }

  /** Reads the counts of blocks that have some. Throws when the file has changed. */
  async *countsOf(blocks: readonly Placed[]): AsyncGenerator<{ block: Placed; counts: Uint8Array }> {
    const handle = await open(this.path, 'r')
    try {
      for (const block of blocks) {
        const counts = Buffer.allocUnsafe(block.counts)
        const { bytesRead } = await handle.read(counts, 0, block.counts, endOf(block) - block.counts)
        if (bytesRead < block.counts) throw new Error(`${this.path} is shorter than it was`)
        yield { block, counts }
      }
    } finally {
      await handle.close()
    }
  }
}

/** Blocks that are read in one go: they stand beside each other. */
function* pieces(blocks: readonly Placed[]): Generator<readonly Placed[]> {
  let piece: Placed[] = []
  for (const block of blocks) {
    const [first, last] = [piece[0], piece.at(-1)]
    const isBeside = last !== undefined && block.from === last.to
    const isRoom = first !== undefined && endOf(block) - first.offset <= PIECE_BYTES
    if (piece.length > 0 && !(isBeside && isRoom)) {
      yield piece
      piece = []
    }
    piece.push(block)
  }
  if (piece.length > 0) yield piece
}

function endOf({ offset, bytes, newCapitals, counts }: Placed): number {
  return offset + bytes + newCapitals * 4 + counts
}

function headOf({ from, to, first, last, received, bytes, newCapitals, counts }: Placed, body: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt32LE(MAGIC, 0)
  head.writeUInt32LE(bytes, 8)
  head.writeUInt32LE(to - from, 12)
  head.writeBigUInt64LE(BigInt(from), 16)
  for (const [index, time] of [first, last, received].entries()) head.writeBigInt64LE(time, 24 + index * 8)
  head.writeUInt32LE(newCapitals, 48)
  head.writeUInt32LE(counts, 52)
  head.writeUInt32LE(checksum(head, body), 4)
  return head
}

/** What the head at this place says; undefined when it is none, or not that of the block that must follow. */
function blockOf(head: Buffer, at: number, from: number): Placed | undefined {
  const [bytes = 0, newCapitals = 0, counts = 0] = [8, 48, 52].map((offset) => head.readUInt32LE(offset))
  const isNext = head.readUInt32LE(0) === MAGIC && head.readBigUInt64LE(16) === BigInt(from)
  if (!isNext || bytes > MAX_SIGNATURE || newCapitals > MAX_CAPITALS + 1 || counts > MAX_COUNTS) return undefined
  const [first, last, received] = [head.readBigInt64LE(24), head.readBigInt64LE(32), head.readBigInt64LE(40)]
  const to = from + head.readUInt32LE(12)
  return { from, to, first, last, received, offset: at + HEAD_BYTES, bytes, newCapitals, counts }
}

function checksum(head: Buffer, body: Uint8Array): number {
  return crc32(body, crc32(head.subarray(8)))
}
