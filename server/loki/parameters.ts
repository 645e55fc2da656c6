import type { FastifyRequest } from 'fastify'
import { parseTime } from '../../shared/time.ts'
import { smaller } from '../store/bigint.ts'
import { nanoseconds } from './logql/literals.ts'
import { refused } from './refuse.ts'
import { storable } from './windows.ts'

const HOUR = 3_600_000_000_000n
const SECOND = 1_000_000_000n
/** Steps that an answer has when none is asked for. */
const DEFAULT_STEPS = 250n
const MAX_LIMIT = 10_000
const RFC3339 = /^\d{4}-\d\d-\d\dT/

/** Clients that take labels of lines apart from those of streams name it. */
const FLAGS_HEADER = 'x-loki-response-encoding-flags'

/** A range of time, nanoseconds since 1970. */
export interface Bounds {
  readonly start: bigint
  readonly end: bigint
}

/** The parameters of a request, from its address and its form, in the forms that Loki takes. Each read throws a Problem (400) that says what is wrong. */
export class Parameters {
  readonly #values: URLSearchParams
  readonly #now: bigint

  constructor(request: Pick<FastifyRequest, 'url' | 'body'>, now: bigint) {
    const { url, body } = request
    const at = url.indexOf('?')
    this.#values = new URLSearchParams(at < 0 ? '' : url.slice(at + 1))
    if (typeof body === 'string')
      for (const [name, value] of new URLSearchParams(body)) this.#values.append(name, value)
    this.#now = now
  }

  /** '' when it is not given. */
  text(name: string): string {
    return this.#values.get(name) ?? ''
  }

  all(...names: string[]): string[] {
    return names.flatMap((name) => this.#values.getAll(name))
  }

  /** A moment: nanoseconds or seconds since 1970, or RFC 3339. */
  time(name: string, missing = this.#now): bigint {
    const text = this.text(name)
    if (text === '') return missing
    if (/^-?\d{1,19}$/.test(text)) return storable(text.length <= 10 ? BigInt(text) * SECOND : BigInt(text))
    if (/^\d+\.\d*$/.test(text)) return storable(BigInt(Math.round(Number(text) * 1000)) * 1_000_000n)
    if (RFC3339.test(text)) return parseTime(text, this.#now, 'UTC')
    throw refused(`cannot read ${name}=${text.slice(0, 100)}: give nanoseconds or seconds since 1970, or RFC 3339`)
  }

  /** `start` and `end`; by default the time of `since`, which is `back` by default. */
  bounds(back = HOUR): Bounds {
    const since = this.text('since') === '' ? back : nanoseconds(this.text('since'))
    const end = this.time('end')
    const start = this.time('start', storable(smaller(end, this.#now) - since))
    if (start > end)
      throw refused('cannot search a range that ends before it starts: give an end that is not before start')
    return { start, end }
  }

  /** A length of time in seconds or as a duration; undefined when it is not given. */
  duration(name: string): bigint | undefined {
    const text = this.text(name)
    if (text === '') return undefined
    const length = /^\d+(?:\.\d+)?$/.test(text) ? BigInt(Math.round(Number(text) * 1e9)) : nanoseconds(text)
    if (length > 0n) return length
    throw refused(`cannot use ${name}=${text}: give a length over zero, such as 30s`)
  }

  /** `step`; by default one that makes some 250 of them. */
  step({ start, end }: Bounds): bigint {
    const found = (end - start) / SECOND / DEFAULT_STEPS
    return this.duration('step') ?? (found > 0n ? found : 1n) * SECOND
  }

  /** A whole number, up to what is answered at most. */
  count(name: string, missing: number): number {
    const text = this.text(name)
    const value = text === '' ? missing : Number(text)
    if (Number.isInteger(value) && value > 0 && value <= MAX_LIMIT) return value
    throw refused(`cannot use ${name}=${text.slice(0, 100)}: give a whole number from 1 to ${MAX_LIMIT}`)
  }

  /** `direction`, as an order of time. */
  order(): 'asc' | 'desc' {
    const text = this.text('direction').toLowerCase()
    if (text === '' || text === 'backward') return 'desc'
    if (text === 'forward') return 'asc'
    throw refused(`cannot use direction=${text.slice(0, 100)}: give forward or backward`)
  }
}

/** Whether a client takes labels of lines apart from those of streams. */
export function isApart({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return String(headers[FLAGS_HEADER] ?? '').includes('categorize-labels')
}
