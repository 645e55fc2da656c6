import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { ApiStats } from '../../shared/api/analysis.ts'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { StoredRecord } from '../../shared/record.ts'
import { formatTime } from '../../shared/time.ts'
import type { Context } from '../context.ts'
import { badParameter } from '../problem.ts'
import type { StatsParameters } from '../query/analysis-parameters.ts'
import { numberIn } from '../query/field-text.ts'
import { fieldOfBy, type NamedField, namedField, type Scalar, shownOf } from '../query/named-field.ts'
import { Numbers } from '../query/numbers.ts'
import { statsSchema } from './analysis-documents.ts'
import { ask } from './asking.ts'
import { givenInterval } from './count.ts'
import { examine } from './examine.ts'
import { answered, readScope } from './scoped.ts'

const MAX_GROUPS = 10_000

interface Group {
  readonly start: bigint | undefined
  values: readonly (Scalar | null)[]
  readonly numbers: Numbers
}

/** /api/v1/stats: the numbers in a field of the lines. */
export function statsRoute(context: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    ask(app, '/stats', statsSchema, async (asking): Promise<ApiStats> => {
      const { parameters, reply } = asking
      const scoped = await readScope(context, asking)
      const groups = new Groups(context, parameters)
      return answered(context, 'stats', reply, async (signal) => {
        const take = (record: StoredRecord): void => groups.take(record)
        const examined = await examine(context, scoped, parameters.examine, take, signal)
        return { field: parameters.field, ...groups.told(), examined, completeness: scoped.missing.completeness() }
      })
    })
  }
}

/** Gathers the numbers of lines by group. */
class Groups {
  readonly #parameters: StatsParameters
  readonly #field: NamedField
  readonly #by: readonly NamedField[]
  readonly #interval: bigint | undefined
  readonly #groups = new Map<string, Group>()
  #skipped = 0

  constructor({ inventories }: Context, parameters: StatsParameters) {
    const { field, by = [], interval } = parameters
    this.#parameters = parameters
    this.#field = namedField(field, inventories.clusterOf)
    this.#by = by.map((name) => fieldOfBy(name, 'several', inventories.clusterOf))
    this.#interval = interval === undefined ? undefined : givenInterval(interval).length
    if (this.#field.kind === 'label')
      throw badParameter(
        'field',
        `cannot reckon with field=${field}: give a field of the lines, such as fields.${field}`,
      )
  }

  take(record: StoredRecord): void {
    const value = this.#field.valueOf(record)
    if (value === undefined) return
    const number = numberIn(String(value))
    if (number === undefined || typeof value === 'boolean') this.#skipped++
    else this.#groupOf(record).numbers.add(number)
  }

  told(): Pick<ApiStats, 'groups' | 'interval' | 'skipped'> {
    const { by = [], quantile, interval } = this.#parameters
    const groups = [...this.#groups].sort(([a, one], [b, other]) => compareGroups(one, other) || (a < b ? -1 : 1))
    return {
      ...(interval !== undefined && { interval }),
      groups: groups.map(([, { start, values, numbers }]) => ({
        ...(start !== undefined && { start: formatTime(start) }),
        by: Object.fromEntries(by.map((name, index) => [name, values[index] ?? null])),
        ...numbers.told(quantile),
      })),
      skipped: this.#skipped,
    }
  }

  #groupOf(record: StoredRecord): Group {
    const start = this.#startOf(record.time)
    const values = this.#by.map((field) => field.valueOf(record) ?? null)
    // Values are the same when their texts are, as for queries.
    const key = JSON.stringify([String(start), values.map((value) => (value === null ? null : String(value)))])
    const known = this.#groups.get(key)
    if (known !== undefined) {
      known.values = known.values.map((value, index) => shownOf(value, values[index] ?? null))
      return known
    }
    if (this.#groups.size >= MAX_GROUPS) {
      const message = `cannot tell of more than ${MAX_GROUPS} groups: give a longer interval, fields with fewer values, or ask about less`
      throw new SwarmlogsError('SWARMLOGS_USAGE', message)
    }
    const group = { start, values, numbers: new Numbers() }
    this.#groups.set(key, group)
    return group
  }

  #startOf(time: bigint): bigint | undefined {
    if (this.#interval === undefined) return undefined
    const rest = time % this.#interval
    return time - rest - (rest < 0n ? this.#interval : 0n)
  }
}

function compareGroups(a: Group, b: Group): number {
  const [first, second] = [a.start ?? 0n, b.start ?? 0n]
  return first === second ? b.numbers.count - a.numbers.count : first < second ? -1 : 1
}
