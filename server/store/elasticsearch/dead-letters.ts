import type { Logger } from 'pino'
import { Body } from './body.ts'
import type { Bulk } from './bulk.ts'
import type { Outcomes } from './bulk-answer.ts'
import { writeDocument } from './documents.ts'
import { type TextDocument, textForm } from './form.ts'
import type { Indices } from './indices.ts'
import type { Insist } from './insist.ts'
import { dayOf, type Names } from './names.ts'
import type { Row } from './rows.ts'

/** Characters of a refused line's document that are kept. */
const MAX_DEAD = 16 * 2 ** 20
const MAX_DEAD_HEAD = 32 * 2 ** 10

/** What it takes to put lines aside. */
export interface DeadLetterParts {
  readonly names: Names
  readonly indices: Indices
  readonly insist: Insist
  readonly bulk: Bulk
  readonly log: Logger
}

/** Keeps what Elasticsearch will never take where it takes anything, with the reason. */
export class DeadLetters {
  readonly #parts: DeadLetterParts
  /** Lines that Elasticsearch refused since the start. */
  refused = 0

  constructor(parts: DeadLetterParts) {
    this.#parts = parts
  }

  /** Resolves when all rows whose outcome is a refusal are kept. */
  async bury(written: Outcomes<Row>, received: bigint): Promise<void> {
    const dead = [...written].flatMap(([row, outcome]) =>
      outcome === 'exists' ? [] : [{ row, reason: outcome.refused }],
    )
    if (dead.length === 0) return
    const { names, indices, insist, bulk, log } = this.#parts
    const index = names.dead(dayOf(received))
    await insist.on(() => indices.ensure(index))
    const letter = ({ row, reason }: (typeof dead)[number], length: number): TextDocument => {
      return { index, id: row.id, text: deadDocument(row, reason, received, length) }
    }
    const letters = new Map(dead.map((one) => [letter(one, MAX_DEAD), one]))
    const outcomes = await bulk.write([...letters.keys()], textForm('create'))
    // What is too large even for that leaves its beginning.
    const large = [...letters].flatMap(([key, one]) => (typeof outcomes.get(key) === 'object' ? [one] : []))
    await bulk.write(
      large.map((one) => letter(one, MAX_DEAD_HEAD)),
      textForm('create'),
    )
    this.refused += [...letters.keys()].filter((key) => outcomes.get(key) !== 'exists').length
    log.error({ index, records: dead.length }, 'Elasticsearch refused records, which were put aside')
  }
}

function deadDocument(row: Row, reason: string, received: bigint, length: number): string {
  const { containerId, service } = row.record.stream
  const head = { '@timestamp': new Date(Number(received / 1_000_000n)).toISOString(), reason }
  const labels = { 'container.id': containerId.slice(0, 1024), 'service.name': service.slice(0, 1024) }
  const document = new Body(0)
  writeDocument(document, row, String(received))
  return JSON.stringify({ ...head, ...labels, document: document.bytes.toString().slice(0, length) })
}
