import type { Context } from '../context.ts'
import { Budget } from './budget.ts'
import { fieldsOf, parserOf } from './fields.ts'
import { Labelling, labelName } from './labels.ts'
import { bytes, seconds } from './logql/literals.ts'
import { parseLogQuery } from './logql/parse.ts'
import { readLines } from './logs.ts'
import { planOf } from './plan.ts'
import type { Asked } from './queries.ts'

const DEFAULT_LIMIT = 1_000
/** Fields are looked for in so many lines. */
const DEFAULT_LINES = 1_000

/** What was seen of one field. */
interface Seen {
  readonly path: string
  readonly parsers: Set<string>
  readonly values: Set<string>
}

/** detected_fields: the fields of the newest lines. */
export async function detectedFields(context: Context, asked: Asked): Promise<string> {
  const limit = asked.parameters.count('limit', DEFAULT_LIMIT)
  const fields = [...(await look(context, asked))].slice(0, limit).map(([label, { path, parsers, values }]) => ({
    label,
    type: typeOf(values),
    cardinality: values.size,
    parsers: [...parsers],
    ...(parsers.has('json') && { jsonPath: path.split('.') }),
  }))
  return JSON.stringify({ fields, limit })
}

/** detected_field/NAME/values. */
export async function detectedFieldValues(context: Context, asked: Asked, name: string): Promise<string> {
  const limit = asked.parameters.count('limit', DEFAULT_LIMIT)
  const values = (await look(context, asked)).get(name)?.values ?? []
  return JSON.stringify({ values: [...values].slice(0, limit), limit })
}

async function look(context: Context, { parameters, signal, turns }: Asked): Promise<Map<string, Seen>> {
  const query = parseLogQuery(parameters.text('query'))
  const { start, end } = parameters.bounds()
  const plan = planOf(query, new Labelling(context.inventories.clusterOf))
  const limit = parameters.count('line_limit', DEFAULT_LINES)
  const wanted = { since: start, until: end, order: 'desc', limit, receivedUpTo: context.commits.lastReceived } as const
  const { entries } = await turns.run(signal, () =>
    readLines(context.store, plan, wanted, new Budget(signal, context.timing.queryMs)),
  )
  const found = new Map<string, Seen>()
  for (const { record } of entries) {
    for (const [path, value] of fieldsOf(record)) {
      const seen = found.get(labelName(path)) ?? { path, parsers: new Set(), values: new Set() }
      found.set(labelName(path), seen)
      seen.parsers.add(parserOf(record))
      seen.values.add(value)
    }
  }
  return found
}

function typeOf(values: ReadonlySet<string>): string {
  const all = (test: (value: string) => boolean) => [...values].every(test)
  if (all((value) => /^-?\d+$/.test(value))) return 'int'
  if (all((value) => value.trim() !== '' && Number.isFinite(Number(value)))) return 'float'
  if (all((value) => value === 'true' || value === 'false')) return 'boolean'
  if (all((value) => seconds(value) !== undefined)) return 'duration'
  return all((value) => bytes(value) !== undefined) ? 'bytes' : 'string'
}
