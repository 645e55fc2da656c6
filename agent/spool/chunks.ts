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

/** The queue's rows, oldest first, and their number and bytes without asking the database. */
export class Chunks {
  readonly #insert: StatementSync
  readonly #delete: StatementSync
  readonly #next: StatementSync
  readonly #containers: StatementSync
  /** Bytes of each chunk that is not acked, by seq: 1 GiB of chunks of a few KiB are some 100,000 entries. */
  readonly #unacked = new Map<number, number>()
  #bytes = 0
  #nextSeq = 1

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      'INSERT INTO chunks (seq, id, records, crc, bytes, containers, option, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    )
    this.#delete = database.prepare('DELETE FROM chunks WHERE seq = ?')
    this.#next = database.prepare(
      'SELECT seq, id, records, crc, option, body FROM chunks WHERE seq > ? ORDER BY seq LIMIT 1',
    )
    this.#containers = database.prepare('SELECT seq, containers FROM chunks')
    for (const row of database.prepare('SELECT seq, bytes FROM chunks ORDER BY seq').iterate()) {
      this.#note(Number(row.seq), Number(row.bytes))
    }
  }

  get count(): number {
    return this.#unacked.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Writes a chunk's row; `added` must follow once that is committed. Returns its seq. */
  insert(chunk: SealedChunk): number {
    const { id, records, option, body } = chunk
    const seq = this.#nextSeq
    const containers = JSON.stringify(chunk.containers)
    this.#insert.run(seq, id, records, checksum(chunk), bytesOf(chunk), containers, option, body)
    return seq
  }

  added(seq: number, chunk: SealedChunk): void {
    this.#note(seq, bytesOf(chunk))
  }

  /** Counts a chunk no longer, though its row is still there; false when it did not count. */
  forget(seq: number): boolean {
    const bytes = this.#unacked.get(seq)
    if (bytes === undefined) return false
    this.#unacked.delete(seq)
    this.#bytes -= bytes
    return true
  }

  delete(seqs: readonly number[]): void {
    for (const seq of seqs) this.#delete.run(seq)
  }

  /** The oldest unacked chunk behind a place. Throws SWARMLOGS_STORE_DAMAGED when it is not what was inserted. */
  next(afterSeq: number): SpooledChunk | undefined {
    let after = afterSeq
    for (;;) {
      const row = this.#next.get(after) as Row | undefined
      if (row === undefined) return undefined
      after = row.seq
      if (!this.#unacked.has(row.seq)) continue
      const chunk = { ...row, option: asBuffer(row.option), body: asBuffer(row.body) }
      if (checksum(chunk) !== row.crc) throw damaged(`chunk ${row.id} of the spool`, 'its checksum is wrong')
      return chunk
    }
  }

  /** Ids of all containers that unacked chunks have lines of. */
  containers(): Set<string> {
    const ids = new Set<string>()
    for (const row of this.#containers.iterate()) {
      if (!this.#unacked.has(Number(row.seq))) continue
      for (const id of JSON.parse(String(row.containers)) as string[]) ids.add(id)
    }
    return ids
  }

  #note(seq: number, bytes: number): void {
    this.#unacked.set(seq, bytes)
    this.#bytes += bytes
    this.#nextSeq = seq + 1
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
