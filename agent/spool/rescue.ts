import { rmSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { openSound } from './file.ts'
import { isDiskTrouble } from './sqlite.ts'

type Row = Record<string, SQLInputValue>

/** Chunks that are looked for one by one where their pages cannot be walked through. */
const MAX_LOOKS = 100_000
/** Tables, and what their rows are in the order of. */
const TABLES = [
  ['meta', 'name'],
  ['checkpoints', 'store, container'],
  ['chunks', 'seq'],
] as const

/** Copies each row that can be read of a damaged spool into a new one, damaged rows included. Throws when the disk has no room for it. */
export function rescue(from: string, to: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(to + suffix, { force: true })
  const target = openSound(to)
  const source = new DatabaseSync(from, { timeout: 0 })
  try {
    for (const [table, order] of TABLES) copyRows(source, target, table, order)
    copyBetween(source, target)
  } finally {
    source.close()
    target.close()
  }
}

/** Copies a table from its begin to the first page that cannot be read, and from its end. */
function copyRows(source: DatabaseSync, target: DatabaseSync, table: string, order: string): void {
  const isWhole = attempt(() => copyAll(source.prepare(`SELECT * FROM ${table} ORDER BY ${order}`), target, table))
  const backwards = order.replaceAll(/\w+/g, '$& DESC')
  if (!isWhole) attempt(() => copyAll(source.prepare(`SELECT * FROM ${table} ORDER BY ${backwards}`), target, table))
}

function copyAll(rows: StatementSync, target: DatabaseSync, table: string): void {
  for (const row of rows.iterate()) put(target, table, row as Row)
}

/** Chunks between those pages may be on sound ones. */
function copyBetween(source: DatabaseSync, target: DatabaseSync): void {
  const gap = target.prepare(
    'SELECT seq + 1 AS first, next - seq - 1 AS count FROM (SELECT seq, lead(seq) OVER (ORDER BY seq) AS next FROM chunks) WHERE next > seq + 1 ORDER BY count DESC LIMIT 1',
  )
  const { first, count } = gap.get() ?? {}
  const last = Number(first) + Math.min(Number(count), MAX_LOOKS)
  attempt(() => {
    const row = source.prepare('SELECT * FROM chunks WHERE seq = ?')
    for (let seq = Number(first); seq < last; seq++)
      attempt(() => put(target, 'chunks', row.get(seq) as Row | undefined))
  })
}

/** A row that is none of this table's any more is passed over. */
function put(target: DatabaseSync, table: string, row: Row | undefined): void {
  const values = Object.values(row ?? {})
  if (values.length === 0) return
  attempt(() => target.prepare(`INSERT OR REPLACE INTO ${table} VALUES (${values.map(() => '?')})`).run(...values))
}

/** False when it failed, for whatever reason bytes without sense give; throws what the disk is to blame for. */
function attempt(work: () => void): boolean {
  try {
    work()
    return true
  } catch (error) {
    if (isDiskTrouble(error)) throw error
    return false
  }
}
