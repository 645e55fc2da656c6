import type { DuckDBConnection } from '@duckdb/node-api'
import { labelsOf } from '../labels.ts'
import { appendRows, type Table } from './columns.ts'
import { messageOf } from './failure.ts'
import { headOf, longChars, piecesOf } from './long.ts'
import type { Row } from './rows.ts'
import {
  AHEAD,
  CHUNK_TYPES,
  LINE_TYPES,
  levelCode,
  REST_TYPES,
  SEALED_TABLE,
  SEALED_TYPES,
  STREAM_TYPES,
  sourceCode,
} from './schema.ts'
import type { Added, Segment } from './segment.ts'
import { count, type Entry } from './streams.ts'

/** Stores rows in a segment, durably, all or none, and counts them. */
export async function writeRows(
  connection: DuckDBConnection,
  segment: Segment,
  rows: readonly Row[],
  received: bigint,
): Promise<void> {
  const added = new Map<Entry, number>()
  const idOf = (entry: Entry): number => segment.streams.get(entry)?.id ?? added.get(entry) ?? 0
  for (const { entry } of rows) if (idOf(entry) === 0) added.set(entry, segment.streams.size + added.size + 1)
  const hasLong = rows.some((row) => longChars(row.record) > 0)
  await inTransaction(connection, async () => {
    await appendRows(
      connection,
      table(segment, 'streams', STREAM_TYPES),
      [...added],
      [([, id]) => id, ([entry]) => labelsOf(entry.stream)],
    )
    await appendLines(connection, segment, rows, received, idOf)
    if (hasLong) await appendRests(connection, segment, rows, idOf)
    await appendRows(
      connection,
      table(segment, 'chunks', CHUNK_TYPES),
      [...lastOfChunks(rows)],
      [([id]) => id, ([, last]) => last, () => received],
    )
  })
  for (const [entry, lines] of tally(rows)) {
    segment.add(entry, idOf(entry), lines, received)
    count(entry, lines)
  }
  if (hasLong) segment.hasLong = true
  segment.isDirty = true
  segment.lastWriteMs = Date.now()
}

/** Writes down what the segment holds of which stream, so that start-up need not count, and takes its WAL in. */
export async function sealSegment(connection: DuckDBConnection, segment: Segment): Promise<void> {
  await inTransaction(connection, async () => {
    // Made anew: that of an older format had other columns.
    await connection.run(`CREATE OR REPLACE TABLE ${segment.database}.${SEALED_TABLE}`)
    await appendRows(
      connection,
      table(segment, 'sealed', SEALED_TYPES),
      [...segment.streams.values()],
      [
        (held) => held.id,
        (held) => BigInt(held.records),
        (held) => held.first,
        (held) => held.last,
        (held) => held.received,
        (held) => held.ahead ?? null,
        (held) => BigInt(held.text),
      ],
    )
  })
  await connection.run(`CHECKPOINT ${segment.database}`)
  segment.isDirty = false
}

/** The same, unless it cannot be done now: who reads lines of the segment holds that up. Whether it was done. */
export async function trySealSegment(connection: DuckDBConnection, segment: Segment): Promise<boolean> {
  try {
    await sealSegment(connection, segment)
    return true
  } catch (error) {
    if (messageOf(error).includes('Cannot CHECKPOINT')) return false
    throw error
  }
}

async function appendLines(
  connection: DuckDBConnection,
  segment: Segment,
  rows: readonly Row[],
  received: bigint,
  idOf: (entry: Entry) => number,
): Promise<void> {
  await appendRows(connection, table(segment, 'lines', LINE_TYPES), rows, [
    (row) => row.time,
    (row) => idOf(row.entry),
    (row) => sourceCode(row.record.source),
    (row) => row.ordinal,
    () => received,
    (row) => levelCode(row.record.level),
    (row) => row.flags,
    (row) => row.record.cutFrom,
    (row) => longChars(row.record),
    (row) => headOf(row.record.message),
    (row) => headOf(row.record.fields),
  ])
}

async function appendRests(
  connection: DuckDBConnection,
  segment: Segment,
  rows: readonly Row[],
  idOf: (entry: Entry) => number,
): Promise<void> {
  const pieces = rows.flatMap((row) => piecesOf(row.record).map((piece) => ({ row, piece })))
  await appendRows(connection, table(segment, 'rests', REST_TYPES), pieces, [
    ({ row }) => row.time,
    ({ row }) => idOf(row.entry),
    ({ row }) => sourceCode(row.record.source),
    ({ row }) => row.ordinal,
    ({ piece }) => piece.kind,
    ({ piece }) => piece.number,
    ({ piece }) => piece.skip,
    ({ piece }) => piece.text,
  ])
}

function table(segment: Segment, name: string, types: Table['types']): Table {
  return { database: segment.name, name, types }
}

async function inTransaction(connection: DuckDBConnection, work: () => Promise<void>): Promise<void> {
  await connection.run('BEGIN')
  try {
    await work()
    await connection.run('COMMIT')
  } catch (error) {
    // A COMMIT that failed has ended the transaction already; the error that counts is the first.
    await connection.run('ROLLBACK').catch(() => undefined)
    throw error
  }
}

function tally(rows: readonly Row[]): Map<Entry, Added> {
  const tallies = new Map<Entry, Added>()
  for (const { entry, time, flags, record } of rows) {
    const tally = tallies.get(entry) ?? { records: 0, first: time, last: time, text: 0, ahead: false }
    tally.records++
    tally.text += Buffer.byteLength(headOf(record.message)) + Buffer.byteLength(headOf(record.fields))
    if (time < tally.first) tally.first = time
    if (time > tally.last) tally.last = time
    if ((flags & AHEAD) !== 0) tally.ahead = true
    tallies.set(entry, tally)
  }
  return tallies
}

function lastOfChunks(rows: readonly Row[]): Map<string, number> {
  const last = new Map<string, number>()
  for (const { record } of rows) if (record.chunk !== '') last.set(record.chunk, record.ordinal)
  return last
}
