import { Gate } from '../gate.ts'
import { Backoff } from './backoff.ts'
import { Body } from './body.ts'
import { type Answer, type Open, type Outcome, settle } from './bulk-answer.ts'
import { failureOf, isCutOff } from './failure.ts'
import type { Health } from './health.ts'
import type { Indices } from './indices.ts'
import type { Insist, Retry } from './insist.ts'
import type { Operation } from './operation.ts'
import type { Requests } from './requests.ts'

/** Bytes (roughly) and operations of one request, and requests under way at once. */
const MAX_BYTES = 4 * 2 ** 20
const MIN_BYTES = 2 ** 18
const MAX_OPERATIONS = 5_000
const MAX_REQUESTS = 4
const TIMEOUT_MS = 30_000
/** A node that is stopped does not answer, but keeps its connections: for so long that may be a busy one. */
const SLOW_MS = 20_000
/** Who refuses a body for its size may hang up before we have read why: up to so much is sent in halves then. */
const MAX_CUT_OFF = 2 ** 19

/** Writes documents: what is busy or away is tried again, and only that, until all is written or refused. */
export class Bulk {
  readonly #requests: Requests
  readonly #insist: Insist
  readonly #health: Health
  readonly #indices: Indices
  readonly #gate = new Gate(MAX_REQUESTS)
  /** Of requests that are over: as many as there can be at once. */
  readonly #bodies: Body[] = []
  /** Less, once something in between has refused as much; it will again. */
  #maxBytes = MAX_BYTES

  constructor(parts: { requests: Requests; insist: Insist; health: Health; indices: Indices }) {
    this.#requests = parts.requests
    this.#insist = parts.insist
    this.#health = parts.health
    this.#indices = parts.indices
  }

  /**
   * The outcomes, in the order of the operations. `isOurs` tells of a document that exists whether a try of this very call wrote it: a try whose
   * answer was lost must not make its lines duplicates. Throws SWARMLOGS_STORE_UNAVAILABLE when the store is closed meanwhile.
   */
  async write(operations: readonly Operation[], isOurs: (source: object) => boolean = () => false): Promise<Outcome[]> {
    const outcomes: Outcome[] = operations.map(() => 'written')
    const parts = partsOf(operations, this.#maxBytes)
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
        if (problem === undefined) this.#health.recover()
        else await this.#overcome(problem, open, backoff)
      } catch (error) {
        const failure = failureOf(error)
        if (failure !== 'busy' && failure !== 'too-large') for (const one of open) one.isUncertain = true
        if (failure === 'too-large') this.#maxBytes = Math.max(Math.min(this.#maxBytes, sizeOf(open) / 2), MIN_BYTES)
        const isCut = isCutOff(error) && sizeOf(open) > MAX_CUT_OFF
        if (failure === 'too-large' || isCut) return this.#writeHalves(open, outcomes, isOurs, doubtful)
        await this.#insist.pause(backoff, error)
      }
    }
    await this.#clear(doubtful, outcomes, isOurs)
  }

  async #overcome(problem: Retry, open: readonly Open[], backoff: Backoff): Promise<void> {
    await this.#insist.pause(backoff, problem)
    if (!problem.isMissing) return
    for (const index of new Set(open.map(({ operation }) => operation.index))) {
      this.#indices.forget(index)
      await this.#insist.on(() => this.#indices.ensure(index))
    }
  }

  async #send(open: readonly Open[]): Promise<Answer> {
    const body = this.#bodies.pop() ?? new Body(sizeOf(open))
    body.clear()
    const [first] = open
    // Nearly always all are of one day: named once, it need not be written and read for each line.
    const index = open.every(({ operation }) => operation.index === first?.operation.index)
      ? first?.operation.index
      : undefined
    for (const { operation } of open) {
      const target = index === undefined ? `"_index":"${operation.index}",` : ''
      body.text(`{"${operation.action}":{${target}"_id":${JSON.stringify(operation.id)}}}\n`)
      operation.write(body)
      body.text('\n')
    }
    const slow = setTimeout(() => this.#health.fail('Elasticsearch has not answered for 20 s'), SLOW_MS)
    const answer = await this.#requests
      .send<Answer>('POST', index === undefined ? '/_bulk' : `/${index}/_bulk`, {
        lines: body.bytes,
        query: { filter_path: 'items.*.status,items.*.error', timeout: '20s' },
        timeoutMs: TIMEOUT_MS,
        retries: 0,
      })
      .finally(() => clearTimeout(slow))
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

function partsOf(operations: readonly Operation[], maxBytes: number): Open[][] {
  const parts: Open[][] = []
  let bytes = 0
  for (const [place, operation] of operations.entries()) {
    const part = parts.at(-1)
    bytes += operation.size
    const isFull = part === undefined || part.length === MAX_OPERATIONS || bytes > maxBytes
    if (isFull) bytes = operation.size
    if (isFull) parts.push([{ operation, place, isUncertain: false }])
    else part.push({ operation, place, isUncertain: false })
  }
  return parts
}
