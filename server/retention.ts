import type { Logger } from 'pino'
import type { LogStream } from '../shared/record.ts'
import { RETENTION_LABEL } from '../shared/retention.ts'
import { parseDuration } from '../shared/time.ts'
import { globMatches } from './query/filter.ts'
import { greater } from './store/bigint.ts'

/** Lines of services of this name (a glob) are kept for so long. */
export interface RetentionRule {
  readonly services: string
  readonly ms: number
}

/** How long lines are kept. */
export interface RetentionOptions {
  readonly defaultMs: number
  /** The first that fits counts. */
  readonly rules?: readonly RetentionRule[]
  /** Whether labels count; by default they do. */
  readonly hasLabels?: boolean
  readonly log: Pick<Logger, 'warn'>
}

/** Services and labels that are kept in mind; where there are more of them than a cluster has, all are looked up again. */
const MAX_KNOWN = 10_000
/** Nobody means less. */
const MIN_NS = 1_000_000_000n
const NS_PER_MS = 1_000_000

/** How long the lines of each stream are kept: as a rule says, else the label of its container, else that of its service, else the default. */
export class Retention {
  readonly defaultNs: bigint
  readonly #rules: readonly { readonly services: string; readonly ns: bigint }[]
  readonly #hasLabels: boolean
  readonly #log: Pick<Logger, 'warn'>
  readonly #byService = new Map<string, bigint | undefined>()
  readonly #byLabel = new Map<string, bigint | undefined>()
  #labelOfService: ((serviceId: string) => string | undefined) | undefined

  constructor({ defaultMs, rules = [], hasLabels = true, log }: RetentionOptions) {
    this.#hasLabels = hasLabels
    this.defaultNs = nanoseconds(defaultMs)
    this.#rules = rules.map(({ services, ms }) => ({ services, ns: nanoseconds(ms) }))
    this.#log = log
  }

  /** Of a store in which all lines are kept equally long, whatever labels say. */
  static same(defaultMs: number): Retention {
    const retention = new Retention({ defaultMs, hasLabels: false, log: { warn: () => {} } })
    retention.learn(() => undefined)
    return retention
  }

  /** Tells where the labels of services are found. Nothing may expire before that: a label could say that it stays. */
  learn(labelOfService: (serviceId: string) => string | undefined): void {
    this.#labelOfService = labelOfService
  }

  get isKnown(): boolean {
    return this.#labelOfService !== undefined
  }

  /** The longest that the settings tell of, nanoseconds. */
  get longestNs(): bigint {
    return this.#rules.reduce((longest, { ns }) => greater(longest, ns), this.defaultNs)
  }

  /** Nanoseconds. */
  of(stream: LogStream): bigint {
    return this.#ownOf(stream) ?? this.defaultNs
  }

  /** Whether anything but the default says how long the lines of the stream are kept. */
  isOwn(stream: LogStream): boolean {
    return this.#ownOf(stream) !== undefined
  }

  #ownOf({ service, serviceId, retention, attributes }: LogStream): bigint | undefined {
    const byRule = this.#ofRules(service)
    if (byRule !== undefined || !this.#hasLabels) return byRule
    return (
      this.#ofLabel(retention ?? attributes[RETENTION_LABEL], service) ??
      this.#ofLabel(serviceId === '' ? undefined : this.#labelOfService?.(serviceId), service)
    )
  }

  #ofRules(service: string): bigint | undefined {
    if (this.#rules.length === 0) return undefined
    return remembered(this.#byService, service, () => {
      return this.#rules.find(({ services }) => globMatches(services, service))?.ns
    })
  }

  /** One that cannot be used is none: that is told once. */
  #ofLabel(label: string | undefined, service: string): bigint | undefined {
    if (!label) return undefined
    return remembered(this.#byLabel, label, () => {
      const ns = durationOf(label)
      if (ns !== undefined && ns >= MIN_NS) return ns
      const text = 'cannot use the label swarmlogs.retention of a service: give how long lines are kept, such as 7d'
      this.#log.warn({ service, label }, text)
      return undefined
    })
  }
}

function remembered<Value>(known: Map<string, Value>, key: string, find: () => Value): Value {
  const value = known.get(key)
  if (value !== undefined || known.has(key)) return value as Value
  if (known.size >= MAX_KNOWN) known.clear()
  const found = find()
  known.set(key, found)
  return found
}

function durationOf(text: string): bigint | undefined {
  try {
    return parseDuration(text)
  } catch {
    return undefined
  }
}

function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms)) * BigInt(NS_PER_MS)
}
