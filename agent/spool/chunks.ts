import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import type { SealedChunk, SpooledChunk } from '../chunk.ts'
import { damaged } from './damaged.ts'

interface Row {
  readonly seq: number
  readonly id: string
  readonly records: number
  readonly crc: number
  readonly option: Uint8Array
  readonly body: Uint8Array
}

/** What is known of an unacked chunk without asking the database. */
export interface Held {
  readonly bytes: number
  /** When it was appended, by performance.now(); before this process began: 0. */
  readonly appendedMs: number
  /** A server may have stored it. */
  wasSent: boolean
  isInFlight: boolean
  /** It is what remains of dropped chunks up to this one: their gaps. */
  readonly gapsTo?: number
}

/** The queue's rows, oldest first, and what is known of them without asking the database. */
export class Chunks {
  readonly #insert: StatementSync
  readonly #delete: StatementSync
  readonly #next: StatementSync
  readonly #seqAfter: StatementSync
  readonly #containers: StatementSync
  /** Each chunk that is not acked, by seq, in its order: 1 GiB of chunks of a few KiB are some 100,000 entries. */
  readonly #unacked = new Map<number, Held>()
  readonly #inFlight = new Set<Held>()
  #bytes = 0
  #nextSeq = 1

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      'INSERT OR REPLACE INTO chunks (seq, id, records, crc, bytes, containers, option, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    )
    this.#delete = database.prepare('DELETE FROM chunks WHERE seq = ?')
    this.#next = database.prepare(
      'SELECT seq, id, records, crc, option, body FROM chunks WHERE seq > ? ORDER BY seq LIMIT 1',
    )
    this.#seqAfter = database.prepare('SELECT seq FROM chunks WHERE seq > ? ORDER BY seq LIMIT 1')
    this.#containers = database.prepare('SELECT seq, containers FROM chunks WHERE seq >= ? ORDER BY seq')
    for (const row of database.prepare('SELECT seq, bytes FROM chunks ORDER BY seq').iterate()) {
      // Whether the process before has sent it is not known.
      this.#note(Number(row.seq), { bytes: Number(row.bytes), appendedMs: 0, wasSent: true, isInFlight: false })
    }
  }

  get count(): number {
    return this.#unacked.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The newest chunk that there ever was in this process; 0: none. */
  get lastSeq(): number {
    return this.#nextSeq - 1
  }

  /** Unacked chunks, oldest first. */
  get held(): ReadonlyMap<number, Held> {
    return this.#unacked
  }

  /** Writes a chunk's row; `added` must follow once that is committed. Returns its seq. */
  insert(chunk: SealedChunk): number {
    const seq = this.#nextSeq
    this.write(seq, chunk)
    return seq
  }

  added(seq: number, chunk: SealedChunk): void {
    this.#note(seq, { bytes: bytesOf(chunk), appendedMs: performance.now(), wasSent: false, isInFlight: false })
  }

  /** Writes a row anew; `wrote` must follow once that is committed. */
  write(seq: number, chunk: Omit<SealedChunk, 'checkpoints'>): void {
    const { id, records, option, body } = chunk
    const containers = JSON.stringify(chunk.containers)
    this.#insert.run(seq, id, records, checksum(chunk), bytesOf(chunk), containers, option, body)
  }

  wrote(seq: number, chunk: Omit<SealedChunk, 'checkpoints'>, gapsTo: number): void {
    const before = this.#unacked.get(seq)
    this.#bytes -= before?.bytes ?? 0
    const appendedMs = before?.appendedMs ?? 0
    this.#note(seq, { bytes: bytesOf(chunk), appendedMs, wasSent: false, isInFlight: false, gapsTo })
  }

  /** A chunk is on its way. */
  setOut(seq: number): void {
    const held = this.#unacked.get(seq)
    if (held === undefined) return
    held.isInFlight = true
    held.wasSent = true
    this.#inFlight.add(held)
  }

  /** Nothing is on its way any more. */
  callBack(): void {
    for (const held of this.#inFlight) held.isInFlight = false
    this.#inFlight.clear()
  }

  /** Counts a chunk no longer, though its row is still there; false when it did not count. */
  forget(seq: number): boolean {
    const held = this.#unacked.get(seq)
    if (held === undefined) return false
    this.#unacked.delete(seq)
    this.#inFlight.delete(held)
    this.#bytes -= held.bytes
    return true
  }

  delete(seqs: readonly number[]): void {
    for (const seq of seqs) this.#delete.run(seq)
  }

  /** The oldest unacked chunk behind a place and up to another. Throws SWARMLOGS_STORE_DAMAGED when it is not what was inserted. */
  next(afterSeq: number, upToSeq = Number.POSITIVE_INFINITY): SpooledChunk | undefined {
    const seq = this.seqAfter(afterSeq)
    if (seq === undefined || seq > upToSeq) return undefined
    const row = this.#next.get(seq - 1) as Row | undefined
    if (row === undefined) return undefined
    const chunk = { ...row, option: asBuffer(row.option), body: asBuffer(row.body) }
    if (checksum(chunk) !== row.crc) throw damaged(`chunk ${row.id} of the spool`, 'its checksum is wrong')
    return chunk
  }

  /** The oldest unacked chunk behind a place, by its seq. */
  seqAfter(afterSeq: number): number | undefined {
    let after = afterSeq
    for (;;) {
      const row = this.#seqAfter.get(after)
      if (row === undefined) return undefined
      after = Number(row.seq)
      if (this.#unacked.has(after)) return after
    }
  }

  /** Ids of all containers that unacked chunks have lines of. */
  containers(): Set<string> {
    const all = new Set<string>()
    for (const [, ids] of this.containersFrom(0)) for (const id of ids) all.add(id)
    return all
  }

  /** Each unacked chunk from a place on, with the ids of the containers that it has lines of, oldest first. */
  *containersFrom(first: number): Generator<readonly [seq: number, ids: readonly string[]], void> {
    for (const row of this.#containers.iterate(first)) {
      const seq = Number(row.seq)
      if (this.#unacked.has(seq)) yield [seq, idsIn(String(row.containers))]
    }
  }

  /** Where the chunks begin of which none was acked, up to the newest one; undefined: that one was. Of those that a former process appended nobody knows. */
  get unbrokenFrom(): number | undefined {
    let first: number | undefined
    let next = 0
    for (const [seq, { appendedMs, gapsTo }] of this.#unacked) {
      if (appendedMs === 0) first = undefined
      else if (first === undefined || seq !== next) first = seq
      next = (gapsTo ?? seq) + 1
    }
    return next > this.lastSeq ? first : undefined
  }

  #note(seq: number, held: Held): void {
    this.#unacked.set(seq, held)
    this.#bytes += held.bytes
    this.#nextSeq = Math.max(this.#nextSeq, seq + 1)
  }
}

function idsIn(text: string): string[] {
  try {
    return JSON.parse(text) as string[]
  } catch (error) {
    throw damaged('a chunk of the spool', String(error))
  }
}

/** What a chunk counts for: what is in it, and about what its row takes beside. */
export function bytesOf(chunk: { readonly option: Buffer; readonly body: Buffer }): number {
  return chunk.option.length + chunk.body.length + 256
}

function checksum(chunk: Pick<SpooledChunk, 'id' | 'records' | 'option' | 'body'>): number {
  return crc32(chunk.body, crc32(chunk.option, crc32(`${chunk.id} ${chunk.records}`)))
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
