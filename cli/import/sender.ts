import { createHash } from 'node:crypto'
import type { ApiIngested } from '../../shared/api/answers.ts'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { Client } from '../client.ts'
import type { IngestLine } from './formats.ts'

/** What the server stores at once: so each request is stored whole, or not at all. */
const MAX_LINES = 5_000
const MAX_CHARS = 2 * 1024 * 1024

/** What became of all lines. */
export interface Imported {
  accepted: number
  rejected: number
  /** Left out by the server, which says why. */
  expired: number
  why: string
}

/** Sends lines to the server, in requests by which the same lines are known when they come again. */
export class Sender {
  readonly imported: Imported = { accepted: 0, rejected: 0, expired: 0, why: '' }
  readonly #client: Client
  readonly #labels: URLSearchParams
  readonly #onError: (message: string) => void
  /** How often a request of this content was sent: a log may have the same lines twice. */
  readonly #times = new Map<string, number>()
  #lines: string[] = []
  #chars = 0

  constructor(client: Client, labels: URLSearchParams, onError: (message: string) => void) {
    this.#client = client
    this.#labels = labels
    this.#onError = onError
  }

  async add(line: IngestLine): Promise<void> {
    const text = JSON.stringify(line)
    this.#lines.push(text)
    this.#chars += text.length
    if (this.#lines.length >= MAX_LINES || this.#chars >= MAX_CHARS) await this.flush()
  }

  /** Sends what waits. */
  async flush(): Promise<void> {
    if (this.#lines.length === 0) return
    const lines = this.#lines.length
    const body = `${this.#lines.join('\n')}\n`
    this.#lines = []
    this.#chars = 0
    const digest = createHash('sha256').update(body).digest('base64url')
    const times = this.#times.get(digest) ?? 0
    this.#times.set(digest, times + 1)
    const sent = {
      ...{ body, type: 'application/x-ndjson', params: this.#labels },
      headers: { 'idempotency-key': `import ${times}` },
    }
    const { accepted, rejected, errors, expired } = await this.#client
      .send<ApiIngested>('POST', 'api/v1/ingest', sent)
      .catch((error: unknown) => noneTaken(error, lines))
    this.imported.accepted += accepted
    this.imported.rejected += rejected
    this.imported.expired += expired?.lines ?? 0
    this.imported.why = expired?.message ?? this.imported.why
    for (const { message } of errors) this.#onError(message)
  }
}

/** A request of which no line could be taken is answered as wrong; the next one may be right. */
function noneTaken(error: unknown, rejected: number): ApiIngested {
  if (!(error instanceof SwarmlogsError) || !error.message.startsWith('cannot take any of ')) throw error
  return { accepted: 0, rejected, errors: [{ line: 1, message: error.message }] }
}
