import { createHash } from 'node:crypto'
import type { ApiIngested } from '../../shared/api.ts'
import type { Client } from '../client.ts'
import type { IngestLine } from './formats.ts'

/** What the server stores at once: so each request is stored whole, or not at all. */
const MAX_LINES = 5_000
const MAX_CHARS = 2 * 1024 * 1024

/** What became of all lines. */
export interface Imported {
  accepted: number
  rejected: number
}

/** Sends lines to the server, in requests by which the same lines are known when they come again. */
export class Sender {
  readonly imported: Imported = { accepted: 0, rejected: 0 }
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
    const body = `${this.#lines.join('\n')}\n`
    this.#lines = []
    this.#chars = 0
    const digest = createHash('sha256').update(body).digest('base64url')
    const times = this.#times.get(digest) ?? 0
    this.#times.set(digest, times + 1)
    const { accepted, rejected, errors } = await this.#client.send<ApiIngested>('POST', 'api/v1/ingest', {
      ...{ body, type: 'application/x-ndjson', params: this.#labels },
      headers: { 'idempotency-key': `import ${times}` },
    })
    this.imported.accepted += accepted
    this.imported.rejected += rejected
    for (const { message } of errors) this.#onError(message)
  }
}
