import { Backoff } from './backoff.ts'
import { Body } from './body.ts'
import { failureOf, isCutOff } from './failure.ts'
import { Gate } from './gate.ts'
import type { Health } from './health.ts'
import { type Insist, Retry } from './insist.ts'
import type { Requests } from './requests.ts'

/** Bytes (roughly) and operations of one request, and requests under way at once. */
const MAX_BYTES = 4 * 2 ** 20
const MAX_OPERATIONS = 5_000
const MAX_REQUESTS = 4
const TIMEOUT_MS = 60_000
/** Who refuses a body for its size may hang up before we have read why: up to so much is sent in halves then. */
const MAX_CUT_OFF = 2 ** 19

/** One document to write. `create` takes each id once, `index` replaces what is there. */
export interface Operation {
  readonly action: 'create' | 'index'
  readonly index: string
  readonly id: string
  /** Bytes of the document, roughly. */
  readonly size: number
  /** Writes the document, JSON on one line; anew at each try, so that what waits takes no memory. */
  write(body: Body): void
}

/** What became of an operation; `refused` tells why the cluster will never take it. */
export type Outcome = 'written' | 'exists' | { readonly refused: string }

interface Answer {
  readonly items?: readonly Readonly<Record<string, AnswerItem>>[]
}

interface AnswerItem {
  readonly status: number
  readonly error?: {
    readonly type?: string
    readonly reason?: string
    readonly caused_by?: { readonly reason?: string }
  }
}

/** What of a request is still to be written. */
interface Open {
  readonly operation: Operation
  readonly place: number
  /** An earlier try may have written it although we were not told. */
  isUncertain: boolean
}

/** Writes documents: what is busy or away is tried again, and only that, until all is written or refused. */
export class Bulk {
  readonly #requests: Requests
  readonly #insist: Insist
  readonly #health: Health
  readonly #gate = new Gate(MAX_REQUESTS)
  /** Of requests that are over: as many as there can be at once. */
  readonly #bodies: Body[] = []

  constructor(requests: Requests, insist: Insist, health: Health) {
    this.#requests = requests
    this.#insist = insist
    this.#health = health
  }

  /**
   * The outcomes, in the order of the operations. `isOurs` tells of a document that exists whether a try of this very call wrote it: a try whose
   * answer was lost must not make its lines duplicates. Throws SWARMLOGS_STORE_UNAVAILABLE when the store is closed meanwhile.
   */
  async write(operations: readonly Operation[], isOurs: (source: object) => boolean = () => false): Promise<Outcome[]> {
    const outcomes: Outcome[] = operations.map(() => 'written')
    const parts = partsOf(operations)
    await Promise.all(parts.map((part) => this.#gate.run(() => this.#writePart(part, outcomes, isOurs))))
    return outcomes
  }

  async #writePart(part: Open[], outcomes: Outcome[], isOurs: (source: object) => boolean): Promise<void> {
    const backoff = new Backoff()
    const doubtful: Open[] = []
    for (let open = part; open.length > 0; ) {
      try {
        const { left, problem } = settle(await this.#send(open), open, outcomes, doubtful)
        if (left.length < open.length) backoff.reset()
        open = left
        if (problem !== undefined) await this.#insist.pause(backoff, problem)
        else this.#health.recover()
      } catch (error) {
        const failure = failureOf(error)
        if (failure !== 'busy' && failure !== 'too-large') for (const one of open) one.isUncertain = true
        const isCut = isCutOff(error) && sizeOf(open) > MAX_CUT_OFF
        if (failure === 'too-large' || isCut) return this.#writeHalves(open, outcomes, isOurs, doubtful)
        await this.#insist.pause(backoff, error)
      }
    }
    await this.#clear(doubtful, outcomes, isOurs)
  }

  async #send(open: readonly Open[]): Promise<Answer> {
    const body = this.#bodies.pop() ?? new Body(sizeOf(open))
    body.clear()
    for (const { operation } of open) {
      body.text(`{"${operation.action}":{"_index":"${operation.index}","_id":${JSON.stringify(operation.id)}}}\n`)
      operation.write(body)
      body.text('\n')
    }
    const answer = await this.#requests.send<Answer>('POST', '/_bulk', {
      lines: body.bytes,
      query: { filter_path: 'items.*.status,items.*.error', timeout: '30s' },
      timeoutMs: TIMEOUT_MS,
      retries: 0,
    })
    // Who has answered has read it all; where that failed, it may still be on its way.
    if (this.#bodies.length < MAX_REQUESTS) this.#bodies.push(body)
    return answer
  }

  /** 413: by halves, down to a single document, which is then refused. */
  async #writeHalves(
    open: Open[],
    outcomes: Outcome[],
    isOurs: (source: object) => boolean,
    doubtful: Open[],
  ): Promise<void> {
    await this.#clear(doubtful, outcomes, isOurs)
    const [only] = open
    if (open.length === 1 && only !== undefined) {
      outcomes[only.place] = { refused: 'the request was too large (413): raise http.max_content_length' }
      return
    }
    const middle = Math.ceil(open.length / 2)
    await this.#writePart(open.slice(0, middle), outcomes, isOurs)
    await this.#writePart(open.slice(middle), outcomes, isOurs)
  }

  /** Finds out which of the documents that exist were written by an earlier try. */
  async #clear(doubtful: readonly Open[], outcomes: Outcome[], isOurs: (source: object) => boolean): Promise<void> {
    if (doubtful.length === 0) return
    const docs = doubtful.map(({ operation }) => ({ _index: operation.index, _id: operation.id }))
    const { docs: found } = await this.#insist.on(() =>
      this.#requests.send<{ docs: readonly { _source?: object }[] }>('POST', '/_mget', {
        body: { docs },
        query: { _source_includes: 'swarmlogs.received', filter_path: 'docs._id,docs._source' },
      }),
    )
    for (const [index, { place }] of doubtful.entries()) {
      const source = found[index]?._source
      if (source !== undefined && isOurs(source)) outcomes[place] = 'written'
    }
  }
}

/** Bytes of action and newlines of one operation. */
const ACTION_SIZE = 128

function sizeOf(open: readonly Open[]): number {
  return open.reduce((sum, { operation }) => sum + operation.size + ACTION_SIZE, 0)
}

/** The operation that writes a text. */
export function writing(target: Pick<Operation, 'action' | 'index' | 'id'>, document: string): Operation {
  return { ...target, size: document.length, write: (body) => body.text(document) }
}

function partsOf(operations: readonly Operation[]): Open[][] {
  const parts: Open[][] = []
  let bytes = 0
  for (const [place, operation] of operations.entries()) {
    const part = parts.at(-1)
    bytes += operation.size
    const isFull = part === undefined || part.length === MAX_OPERATIONS || bytes > MAX_BYTES
    if (isFull) bytes = operation.size
    if (isFull) parts.push([{ operation, place, isUncertain: false }])
    else part.push({ operation, place, isUncertain: false })
  }
  return parts
}

/** Notes what became of each; returns those to try again, and why. */
function settle(
  answer: Answer,
  open: readonly Open[],
  outcomes: Outcome[],
  doubtful: Open[],
): { left: Open[]; problem: Retry | undefined } {
  const items = answer?.items
  if (!Array.isArray(items) || items.length !== open.length) {
    for (const one of open) one.isUncertain = true
    return { left: [...open], problem: new Retry('something that is not Elasticsearch answered', false) }
  }
  const left: Open[] = []
  let problem: Retry | undefined
  for (const [index, one] of open.entries()) {
    const item = Object.values<AnswerItem>(items[index] ?? {})[0]
    const outcome = outcomeOf(item)
    if (outcome instanceof Retry) {
      problem = outcome
      one.isUncertain ||= !outcome.isBusy
      left.push(one)
    } else {
      outcomes[one.place] = outcome
      if (outcome === 'exists' && one.isUncertain) doubtful.push(one)
    }
  }
  return { left, problem }
}

/** Types of 400 that say nothing about the document: an index is closed, or there may be no more shards. */
const PASSING = new Set(['index_closed_exception', 'validation_exception', 'process_cluster_event_timeout_exception'])

function outcomeOf(item: AnswerItem | undefined): Outcome | Retry {
  const { status = 500, error } = item ?? {}
  if (status < 300) return 'written'
  const type = error?.type ?? ''
  if (status === 409 && type === 'version_conflict_engine_exception') return 'exists'
  const reason = `${error?.reason ?? type}${error?.caused_by?.reason === undefined ? '' : `: ${error.caused_by.reason}`}`
  if (status === 400 && !PASSING.has(type)) return { refused: `${type}: ${reason}`.slice(0, 2000) }
  // A block by a full disk answers 429, too, but goes on for longer than a full queue.
  return new Retry(`Elasticsearch answered ${status}: ${reason}`, status === 429 && type !== 'cluster_block_exception')
}
