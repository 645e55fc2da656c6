import type { Source } from '../../../shared/record.ts'
import { type Notes, noteId } from './notes.ts'
import type { Row } from './rows.ts'

/** How long what another server may have noted can be missed; an agent seldom changes servers within a group of equal times. */
const FRESH_MS = 30_000
/** Containers of which the times are kept in mind; beyond, all are forgotten and read again. */
const MAX_KNOWN = 50_000
/** Newest times that are kept of one container and source. */
const MAX_TIMES = 256

interface Known {
  readonly times: Set<bigint>
  readonly readAtMs: number
}

/** The groups of equal times that hold lines whose ordinal is a guess: their lines are held against the stored ones by content. */
export class Guesses {
  readonly #notes: Notes
  readonly #known = new Map<string, Known>()

  constructor(notes: Notes) {
    this.#notes = notes
  }

  /** Whether the group is one of those; `read` must have been called for the row. */
  has(row: Row): boolean {
    return this.#known.get(keyOf(row))?.times.has(row.time) ?? false
  }

  /** Reads what is noted of the containers of the rows. */
  async read(rows: readonly Row[], nowMs: number = Date.now()): Promise<void> {
    if (this.#known.size > MAX_KNOWN) this.#known.clear()
    const missing = new Set<string>()
    let last: Row['entry'] | undefined
    let lastSource: Source | undefined
    for (const row of rows) {
      if (row.isForeign || (row.entry === last && row.record.source === lastSource)) continue
      last = row.entry
      lastSource = row.record.source
      const key = keyOf(row)
      if (nowMs - (this.#known.get(key)?.readAtMs ?? 0) > FRESH_MS) missing.add(key)
    }
    const keys = [...missing]
    const data = await this.#notes.readAll(keys.map((key) => noteId('guesses', key)))
    for (const [index, key] of keys.entries()) {
      const times: readonly string[] = JSON.parse(data[index] ?? '[]')
      this.#known.set(key, { times: new Set(times.map(BigInt)), readAtMs: nowMs })
    }
  }

  /** Notes the groups of the rows; must be durable before the rows are written. */
  async add(rows: readonly Row[]): Promise<void> {
    const changed = new Map<string, Known>()
    for (const row of rows) {
      const key = keyOf(row)
      const known = this.#known.get(key)
      if (known === undefined || known.times.has(row.time)) continue
      known.times.add(row.time)
      changed.set(key, known)
    }
    for (const [key, { times }] of changed) {
      for (const time of times) {
        if (times.size <= MAX_TIMES) break
        times.delete(time)
      }
      await this.#notes.write('guesses', key, JSON.stringify([...times].map(String)))
    }
  }

  /** Forgets what it keeps in mind, as a note may not have been written. */
  forget(): void {
    this.#known.clear()
  }
}

function keyOf({ record, entry }: Row): string {
  return record.source === 'stdout' ? entry.stdout : entry.stderr
}
