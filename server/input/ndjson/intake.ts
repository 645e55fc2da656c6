import { createHash } from 'node:crypto'
import { SwarmlogsError } from '../../../shared/errors.ts'
import type { LogRecord } from '../../../shared/record.ts'
import type { Ingest } from '../../ingest.ts'
import { BATCH_CHARS, BATCH_LINES, LINE_BYTES, NAMED_ERRORS } from './limits.ts'
import { type LineContext, recordOfLine } from './line.ts'
import { isRest } from './lines.ts'

/** A line that was not taken. */
export interface LineError {
  /** Its number in the body, from 1. */
  readonly line: number
  readonly message: string
}

/** What became of a body. */
export interface Taken {
  readonly accepted: number
  readonly rejected: number
  /** Lines that are older than lines are kept. */
  readonly expired: number
  /** The first ones that were not taken. */
  readonly errors: readonly LineError[]
}

/** Where the lines of a body go. */
export interface IntakeOptions extends LineContext {
  readonly ingest: Pick<Ingest, 'records'>
  /** What a body that is sent again is known by; '' when it has nothing. */
  readonly key: string
}

/**
 * Stores the lines of one body, batch by batch. With a key each batch is a chunk, known by the key, its number and its content: what is sent
 * again, whole or after a failure, is stored once, and the same key with other lines loses nothing.
 */
export class Intake {
  readonly #options: IntakeOptions
  readonly #errors: LineError[] = []
  #lines: { readonly number: number; readonly text: string }[] = []
  #chars = 0
  #batches = 0
  #number = 0
  #accepted = 0
  #rejected = 0
  #expired = 0

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  /** Takes a line; resolves when there is room for the next. Rejects when the store cannot write. */
  async take(text: string): Promise<void> {
    const number = ++this.#number
    if (text.trim() === '') return
    this.#lines.push({ number, text })
    this.#chars += text.length
    if (this.#lines.length >= BATCH_LINES || this.#chars >= BATCH_CHARS) await this.#flush()
  }

  /** Stores what is left. */
  async end(): Promise<Taken> {
    await this.#flush()
    return { accepted: this.#accepted, rejected: this.#rejected, expired: this.#expired, errors: this.#errors }
  }

  async #flush(): Promise<void> {
    const lines = this.#lines
    if (lines.length === 0) return
    const chunk = this.#chunk()
    this.#lines = []
    this.#chars = 0
    this.#batches++
    const records = lines.flatMap(({ number, text }, ordinal) => this.#record(number, text, { chunk, ordinal }) ?? [])
    const expired = await this.#options.ingest.records(records)
    this.#accepted += records.length - expired
    this.#expired += expired
  }

  #chunk(): string {
    const { key } = this.#options
    if (key === '') return ''
    const hash = createHash('sha256').update(JSON.stringify([key, this.#batches]))
    for (const { text } of this.#lines) hash.update(`\n${text}`)
    return `ndjson ${hash.digest('base64url').slice(0, 22)}`
  }

  #record(number: number, text: string, place: Pick<LogRecord, 'chunk' | 'ordinal'>): LogRecord | undefined {
    try {
      if (isRest(text))
        throw new SwarmlogsError('SWARMLOGS_LIMIT', `cannot take this line: it has over ${LINE_BYTES} bytes`)
      return recordOfLine(text, place, this.#options)
    } catch (error) {
      if (!(error instanceof SwarmlogsError)) throw error
      this.#rejected++
      if (this.#errors.length < NAMED_ERRORS) this.#errors.push({ line: number, message: error.message })
      return undefined
    }
  }
}
