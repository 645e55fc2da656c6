import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import type { Checkpoint } from '../line.ts'
import { damaged } from './damaged.ts'

/** Checkpoints of containers that are gone are kept so long: a week of "the engine was down" must not cost a re-read. */
const KEEP_MS = 7 * 86_400_000

/** How far each container has been read, per store. */
export class Checkpoints {
  readonly #get: StatementSync
  readonly #put: StatementSync
  readonly #adopt: StatementSync
  readonly #drop: StatementSync
  readonly #stale: StatementSync

  constructor(database: DatabaseSync) {
    this.#get = database.prepare('SELECT checkpoint, crc FROM checkpoints WHERE store = ? AND container = ?')
    this.#put = database.prepare('INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?)')
    this.#adopt = database.prepare("UPDATE OR REPLACE checkpoints SET store = ? WHERE store = ''")
    this.#drop = database.prepare('DELETE FROM checkpoints WHERE store = ? AND container = ?')
    this.#stale = database.prepare('SELECT store, container FROM checkpoints WHERE updated < ?')
  }

  /** Absence is undefined. Throws SWARMLOGS_STORE_DAMAGED when it is not what was put. */
  get(store: string, container: string): Checkpoint | undefined {
    const row = this.#get.get(store, container)
    if (row === undefined) return undefined
    const text = String(row.checkpoint)
    if (crc32(container + text) !== row.crc) throw damaged(`the checkpoint of ${container}`, 'its checksum is wrong')
    return JSON.parse(text) as Checkpoint
  }

  put(store: string, checkpoints: ReadonlyMap<string, Checkpoint>, nowMs: number): void {
    for (const [container, checkpoint] of checkpoints) {
      const text = JSON.stringify(checkpoint)
      this.#put.run(store, container, text, crc32(container + text), nowMs)
    }
  }

  /** Gives what was read before any server was known to the first one. */
  adopt(store: string): void {
    this.#adopt.run(store)
  }

  drop(store: string, containers: Iterable<string>): void {
    for (const container of containers) this.#drop.run(store, container)
  }

  /** Drops what is a week old, but for listed containers of the store in use; returns how many. */
  prune(store: string, listed: ReadonlySet<string>, nowMs: number): number {
    let pruned = 0
    for (const row of this.#stale.all(nowMs - KEEP_MS)) {
      const [owner, container] = [String(row.store), String(row.container)]
      if (owner === store && listed.has(container)) continue
      this.#drop.run(owner, container)
      pruned += 1
    }
    return pruned
  }
}
