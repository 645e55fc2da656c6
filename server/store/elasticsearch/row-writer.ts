import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Gap } from '../../../shared/gap.ts'
import { type DeadLetterParts, DeadLetters } from './dead-letters.ts'
import { documentSize, writeDocument } from './documents.ts'
import { type Form, textForm } from './form.ts'
import { dayOf } from './names.ts'
import { type Note, noteId } from './notes.ts'
import { refusedGaps } from './refused-gaps.ts'
import type { Row } from './rows.ts'

/** What it takes to write rows. */
export interface RowWriterParts extends DeadLetterParts {
  /** The index of notes. */
  readonly meta: string
}

/** What became of the rows of a commit. */
export interface Written {
  /** Those that were new. */
  readonly rows: readonly Row[]
  /** Gaps of those that are put aside, by call. */
  readonly refused: ReadonlyMap<number, readonly Gap[]>
}

/** Makes the rows of a commit durable. */
export class RowWriter {
  readonly #parts: RowWriterParts
  readonly #dead: DeadLetters

  constructor(parts: RowWriterParts) {
    this.#parts = parts
    this.#dead = new DeadLetters(parts)
  }

  /** Lines that Elasticsearch refused since the start. */
  get refused(): number {
    return this.#dead.refused
  }

  /** Resolves when all rows are durable. */
  async write(rows: readonly Row[], received: bigint): Promise<Written> {
    const { bulk, indices, insist } = this.#parts
    await this.#writeStreams(rows)
    for (const index of new Set(rows.map((row) => row.index))) await insist.on(() => indices.ensure(index))
    const mark = String(received)
    await nextTurn()
    const outcomes = await bulk.write(rows, lineForm(mark), (source) => Object.values(source).includes(mark))
    await this.#dead.bury(outcomes, received)
    const fresh = outcomes.size === 0 ? rows : rows.filter((row) => !outcomes.has(row))
    return { rows: fresh, refused: refusedGaps(rows, outcomes) }
  }

  /** Notes the streams, before any line refers to them; renewed each day, so that those not needed any more can be told. */
  async #writeStreams(rows: readonly Row[]): Promise<void> {
    const today = dayOf(BigInt(Date.now()) * 1_000_000n)
    const entries = new Set<Row['entry']>()
    for (const { entry } of rows) if (entry.renewed !== today) entries.add(entry)
    if (entries.size === 0) return
    const documents = [...entries].map(({ id, labels }) => {
      const note: Note = { kind: 'stream', seen: Date.now(), data: labels }
      return { index: this.#parts.meta, id: noteId('stream', id), text: JSON.stringify(note) }
    })
    await this.#parts.bulk.write(documents, textForm('index'))
    for (const entry of entries) entry.renewed = today
  }
}

function lineForm(received: string): Form<Row> {
  return { action: 'create', size: documentSize, write: (body, row) => writeDocument(body, row, received) }
}
