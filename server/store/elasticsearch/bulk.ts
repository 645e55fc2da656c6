import { Gate } from '../gate.ts'
import { Backoff } from './backoff.ts'
import { Body } from './body.ts'
import { type Answer, type Known, type Outcomes, settle } from './bulk-answer.ts'
import { failureOf, isCutOff } from './failure.ts'
import type { Form, Target } from './form.ts'
import type { Health } from './health.ts'
import type { Indices } from './indices.ts'
import type { Insist, Retry } from './insist.ts'
import type { Requests } from './requests.ts'

/** Bytes (roughly) and documents of one request, and requests under way at once. */
const MAX_BYTES = 4 * 2 ** 20
const MIN_BYTES = 2 ** 18
const MAX_DOCUMENTS = 5_000
const MAX_REQUESTS = 4
const TIMEOUT_MS = 30_000
/** A node that is stopped does not answer, but keeps its connections: for so long that may be a busy one. */
const SLOW_MS = 20_000
/** Who refuses a body for its size may hang up before we have read why: up to so much is sent in halves then. */
const MAX_CUT_OFF = 2 ** 19

/** The documents of one call on their way. */
interface Writing<D extends Target> extends Known<D> {
  readonly form: Form<D>
  readonly isOurs: (source: object) => boolean
}

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
   * What became of the documents. `isOurs` tells of one that exists whether a try of this very call wrote it: a try whose answer was lost must
   * not make its lines duplicates. Throws SWARMLOGS_STORE_UNAVAILABLE when the store is closed meanwhile.
   */
  async write<D extends Target>(
    documents: readonly D[],
    form: Form<D>,
    isOurs: (source: object) => boolean = () => false,
  ): Promise<Outcomes<D>> {
    const writing: Writing<D> = { form, isOurs, outcomes: new Map(), uncertain: new Set() }
    const parts = partsOf(documents, form, this.#maxBytes)
    await Promise.all(parts.map((part) => this.#gate.run(() => this.#writePart(part, writing))))
    return writing.outcomes
  }

  async #writePart<D extends Target>(part: readonly D[], writing: Writing<D>): Promise<void> {
    const backoff = new Backoff()
    const doubtful: D[] = []
    for (let open = part; open.length > 0; ) {
      try {
        const settled = settle(await this.#send(open, writing.form), open, writing)
        doubtful.push(...settled.doubtful)
        if (settled.left.length < open.length) backoff.reset()
        open = settled.left
        if (settled.problem === undefined) this.#health.recover()
        else await this.#overcome(settled.problem, open, backoff)
      } catch (error) {
        const failure = failureOf(error)
        if (failure !== 'busy' && failure !== 'too-large') for (const one of open) writing.uncertain.add(one)
        const size = sizeOf(open, writing.form)
        if (failure === 'too-large') this.#maxBytes = Math.max(Math.min(this.#maxBytes, size / 2), MIN_BYTES)
        if (failure === 'too-large' || (isCutOff(error) && size > MAX_CUT_OFF)) {
          await this.#writeHalves(open, writing)
          break
        }
        await this.#insist.pause(backoff, error)
      }
    }
    await this.#clear(doubtful, writing)
  }

  async #overcome(problem: Retry, open: readonly Target[], backoff: Backoff): Promise<void> {
    await this.#insist.pause(backoff, problem)
    if (!problem.isMissing) return
    for (const index of new Set(open.map(({ index }) => index))) {
      this.#indices.forget(index)
      await this.#insist.on(() => this.#indices.ensure(index))
    }
  }

  async #send<D extends Target>(open: readonly D[], form: Form<D>): Promise<Answer> {
    const body = this.#bodies.pop() ?? new Body(sizeOf(open, form))
    body.clear()
    const [first] = open
    // Nearly always all are of one day: named once, it need not be written and read for each line.
    const index = open.every((document) => document.index === first?.index) ? first?.index : undefined
    for (const document of open) {
      const target = index === undefined ? `"_index":"${document.index}",` : ''
      body.text(`{"${form.action}":{${target}"_id":${JSON.stringify(document.id)}}}\n`)
      form.write(body, document)
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
  async #writeHalves<D extends Target>(open: readonly D[], writing: Writing<D>): Promise<void> {
    const [only] = open
    if (open.length === 1 && only !== undefined) {
      const refused = 'the request was too large (413): raise http.max_content_length'
      writing.outcomes.set(only, { refused })
      return
    }
    const middle = Math.ceil(open.length / 2)
    await this.#writePart(open.slice(0, middle), writing)
    await this.#writePart(open.slice(middle), writing)
  }

  /** Finds out which of the documents that exist were written by an earlier try. */
  async #clear<D extends Target>(doubtful: readonly D[], { outcomes, isOurs }: Writing<D>): Promise<void> {
    if (doubtful.length === 0) return
    const docs = doubtful.map(({ index, id }) => ({ _index: index, _id: id }))
    const { docs: found } = await this.#insist.on(() =>
      this.#requests.send<{ docs: readonly { _source?: object }[] }>('POST', '/_mget', {
        body: { docs },
        query: { _source_includes: 'swarmlogs.received', filter_path: 'docs._id,docs._source' },
      }),
    )
    for (const [index, document] of doubtful.entries()) {
      const source = found[index]?._source
      if (source !== undefined && isOurs(source)) outcomes.delete(document)
    }
  }
}

/** Bytes of action and newlines of one document. */
const ACTION_SIZE = 128

function sizeOf<D extends Target>(open: readonly D[], form: Form<D>): number {
  return open.reduce((sum, document) => sum + form.size(document) + ACTION_SIZE, 0)
}

function partsOf<D extends Target>(documents: readonly D[], form: Form<D>, maxBytes: number): D[][] {
  const parts: D[][] = []
  let bytes = 0
  for (const document of documents) {
    const part = parts.at(-1)
    const size = form.size(document)
    bytes += size
    if (part === undefined || part.length === MAX_DOCUMENTS || bytes > maxBytes) {
      parts.push([document])
      bytes = size
    } else part.push(document)
  }
  return parts
}
