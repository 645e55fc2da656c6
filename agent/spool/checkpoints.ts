import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import type { Checkpoint } from '../line.ts'
import type { Unlisted } from '../orphans.ts'
import { damaged } from './damaged.ts'

/** Checkpoints of containers that are gone tell what a store had, should it be lost: for as long as lines are mostly kept, but of so many at most. */
const KEEP_MS = 30 * 86_400_000
const MAX_KEPT = 10_000

/** Where rows stand that no store may go on from. */
const NO_STORE = 'none'

/** How far each container has been read, per store. */
export class Checkpoints {
  readonly #get: StatementSync
  readonly #elsewhere: StatementSync
  readonly #own: StatementSync
  readonly #others: StatementSync
  readonly #any: StatementSync
  readonly #first: StatementSync
  readonly #all: StatementSync
  readonly #put: StatementSync
  readonly #adopt: StatementSync
  readonly #release: StatementSync
  readonly #releaseAll: StatementSync
  readonly #drop: StatementSync
  readonly #stale: StatementSync
  readonly #newest: StatementSync
  readonly #maxKept: number

  constructor(database: DatabaseSync, maxKept = MAX_KEPT) {
    this.#maxKept = maxKept
    this.#get = database.prepare('SELECT checkpoint, crc FROM checkpoints WHERE store = ? AND container = ?')
    this.#elsewhere = database.prepare(
      'SELECT checkpoint, crc FROM checkpoints WHERE store <> ? AND container = ? ORDER BY updated DESC LIMIT 1',
    )
    this.#own = database.prepare('SELECT container, checkpoint, crc FROM checkpoints WHERE store = ?')
    this.#others = database.prepare(
      'SELECT container, checkpoint, crc FROM checkpoints WHERE store <> ? ORDER BY updated DESC',
    )
    this.#any = database.prepare('SELECT 1 FROM checkpoints WHERE container = ?')
    this.#first = database.prepare('SELECT 1 FROM checkpoints LIMIT 1')
    this.#all = database.prepare('SELECT store, container, checkpoint, crc FROM checkpoints')
    this.#put = database.prepare('INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?)')
    this.#adopt = database.prepare("UPDATE OR REPLACE checkpoints SET store = ? WHERE store = ''")
    this.#release = database.prepare('UPDATE OR REPLACE checkpoints SET store = ? WHERE store = ? AND container = ?')
    this.#releaseAll = database.prepare('UPDATE OR REPLACE checkpoints SET store = ? WHERE store = ?')
    this.#drop = database.prepare('DELETE FROM checkpoints WHERE store = ? AND container = ?')
    this.#stale = database.prepare('SELECT store, container FROM checkpoints WHERE updated <= ?')
    this.#newest = database.prepare('SELECT updated FROM checkpoints ORDER BY updated DESC LIMIT 1 OFFSET ?')
  }

  /** Absence is undefined. Throws SWARMLOGS_STORE_DAMAGED when it is not what was put. */
  get(store: string, container: string): Checkpoint | undefined {
    return sound(container, this.#get.get(store, container))
  }

  /** The newest one of any other store: it tells what the container was read from, not how far it is now. Throws as `get`. */
  elsewhere(store: string, container: string): Checkpoint | undefined {
    return sound(container, this.#elsewhere.get(store, container))
  }

  /** Those of containers that are not listed: of the store, else the newest one of any other. Throws as `get`. */
  unlisted(store: string, listed: ReadonlySet<string>): Unlisted[] {
    const known = new Set(listed)
    const found: Unlisted[] = []
    for (const [rows, isElsewhere] of [[this.#own, false] as const, [this.#others, true] as const]) {
      for (const row of rows.iterate(store)) {
        const container = String(row.container)
        if (known.has(container)) continue
        const checkpoint = sound(container, row)
        // Where only a gap was told the store before that knows more.
        if (checkpoint === undefined || (isElsewhere && checkpoint.stream === undefined)) continue
        known.add(container)
        const isOver = !isElsewhere && checkpoint.ended === true && !checkpoint.history
        if (!isOver) found.push({ checkpoint, isElsewhere })
      }
    }
    return found
  }

  get isAny(): boolean {
    return this.#first.get() !== undefined
  }

  /** Whether there is one of the container for any store. */
  has(container: string): boolean {
    return this.#any.get(container) !== undefined
  }

  /** All of a store. Throws as `get`. */
  *of(store: string): Generator<readonly [container: string, checkpoint: Checkpoint]> {
    for (const row of this.#own.iterate(store)) {
      const checkpoint = sound(String(row.container), row)
      if (checkpoint !== undefined) yield [String(row.container), checkpoint]
    }
  }

  /** Drops those that are not what was put; returns how many. Throws SWARMLOGS_STORE_DAMAGED when one of them is not where it should be. */
  dropDamaged(): number {
    const bad = this.#all.all().filter((row) => !isSound(String(row.container), row))
    for (const { store, container } of bad) {
      const { changes } = this.#drop.run(String(store), String(container))
      if (changes === 0) throw damaged(`the checkpoint of ${container}`, 'it is not in its place')
    }
    return bad.length
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

  /** Has the store go on from them no more. */
  release(store: string, containers: Iterable<string>): void {
    for (const container of containers) this.#release.run(NO_STORE, store, container)
  }

  /** Has the store go on from none of its checkpoints. */
  releaseAll(store: string): void {
    this.#releaseAll.run(NO_STORE, store)
  }

  /** Drops what is a month old, and the oldest of too many, but for the one of each listed container that counts; returns how many. */
  prune(store: string, listed: ReadonlySet<string>, nowMs: number): number {
    let pruned = 0
    const tooMany = Number(this.#newest.get(this.#maxKept)?.updated ?? 0)
    for (const row of this.#stale.all(Math.max(nowMs - KEEP_MS, tooMany))) {
      const [owner, container] = [String(row.store), String(row.container)]
      const counts = owner === store || this.#get.get(store, container) === undefined
      if (counts && listed.has(container)) continue
      this.#drop.run(owner, container)
      pruned += 1
    }
    return pruned
  }
}

type Row = ReturnType<StatementSync['get']>

function sound(container: string, row: Row): Checkpoint | undefined {
  if (row === undefined) return undefined
  if (!isSound(container, row)) throw damaged(`the checkpoint of ${container}`, 'its checksum is wrong')
  return JSON.parse(String(row.checkpoint)) as Checkpoint
}

function isSound(container: string, row: NonNullable<Row>): boolean {
  return crc32(container + String(row.checkpoint)) === row.crc
}
