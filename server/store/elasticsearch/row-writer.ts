import { setImmediate as nextTurn } from 'node:timers/promises'
import { type DeadLetterParts, DeadLetters } from './dead-letters.ts'
import { documentSize, writeDocument } from './documents.ts'
import { type Form, textForm } from './form.ts'
import { dayOf } from './names.ts'
import { type Note, noteId } from './notes.ts'
import type { Row } from './rows.ts'

/** What it takes to write rows. */
export interface RowWriterParts extends DeadLetterParts {
  /** The index of notes. */
  readonly meta: string
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

  /** Resolves with the rows that were new, when all are durable. */
  async write(rows: readonly Row[], received: bigint): Promise<readonly Row[]> {
    const { bulk, indices, insist } = this.#parts
    await this.#writeStreams(rows)
    for (const index of new Set(rows.map((row) => row.index))) await insist.on(() => indices.ensure(index))
    const mark = String(received)
    await nextTurn()
    const outcomes = await bulk.write(rows, lineForm(mark), (source) => Object.values(source).includes(mark))
    await this.#dead.bury(outcomes, received)
    return outcomes.size === 0 ? rows : rows.filter((row) => !outcomes.has(row))
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
