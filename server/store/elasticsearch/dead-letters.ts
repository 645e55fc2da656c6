import type { Logger } from 'pino'
import { Body } from './body.ts'
import type { Bulk } from './bulk.ts'
import type { Outcome } from './bulk-answer.ts'
import { writeDocument } from './documents.ts'
import type { Indices } from './indices.ts'
import type { Insist } from './insist.ts'
import { dayOf, type Names } from './names.ts'
import { writing } from './operation.ts'
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
  async bury(rows: readonly Row[], written: readonly Outcome[], received: bigint): Promise<void> {
    const dead = rows.flatMap((row, place) => {
      const outcome = written[place]
      return typeof outcome === 'object' ? [{ row, reason: outcome.refused }] : []
    })
    if (dead.length === 0) return
    const { names, indices, insist, bulk, log } = this.#parts
    const index = names.dead(dayOf(received))
    await insist.on(() => indices.ensure(index))
    const operation = ({ row, reason }: (typeof dead)[number], length: number) =>
      writing({ action: 'create', index, id: row.id }, deadDocument(row, reason, received, length))
    const outcomes = await bulk.write(dead.map((one) => operation(one, MAX_DEAD)))
    // What is too large even for that leaves its beginning.
    const large = dead.filter((_, place) => typeof outcomes[place] === 'object')
    await bulk.write(large.map((one) => operation(one, MAX_DEAD_HEAD)))
    this.refused += outcomes.filter((outcome) => outcome !== 'exists').length
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
