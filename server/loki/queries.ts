import type { Context } from '../context.ts'
import type { Turns } from '../turns.ts'
import { type Beside, matrixText, streamsText, vectorText } from './answers.ts'
import { Budget } from './budget.ts'
import { Labelling } from './labels.ts'
import { parseLogQl } from './logql/parse.ts'
import type { LogQl, LogQuery, MetricQuery } from './logql/tree.ts'
import { readLines } from './logs.ts'
import { evaluate } from './metrics.ts'
import type { Parameters } from './parameters.ts'
import { planOf } from './plan.ts'
import { questionOf, watchMissing } from './question.ts'
import { refused } from './refuse.ts'
import { type Steps, stepsOf } from './windows.ts'

const DEFAULT_LIMIT = 100

/** One request for an answer. */
export interface Asked {
  readonly parameters: Parameters
  /** The client takes labels of lines apart from those of streams. */
  readonly isApart: boolean
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal
  readonly turns: Turns
}

/** query_range: lines, or numbers over time. */
export async function queryRange(context: Context, asked: Asked): Promise<string> {
  const { parameters, isApart, signal, turns } = asked
  const query = parseLogQl(parameters.text('query'))
  const { start, end } = parameters.bounds()
  if (query.kind !== 'log') {
    const step = parameters.step({ start, end })
    return numbersText(context, query, stepsOf(start, end, step), asked, matrixText)
  }
  if (parameters.duration('interval') !== undefined) throw refused('cannot thin out lines by interval: leave it out')
  const limit = parameters.count('limit', DEFAULT_LIMIT)
  const order = parameters.order()
  const plan = planOf(query, new Labelling(context.inventories.clusterOf))
  const matched = (await context.store.streams()).filter(({ stream }) => plan.accepts(stream))
  const question = questionOf(context, query, plan, { matched, since: start, until: end })
  const receivedUpTo = context.commits.lastReceived
  const missing = await watchMissing(context, question)
  return turns.run(signal, async () => {
    const budget = new Budget(signal, context.timing.queryMs)
    const wanted = { since: start, until: end, order, limit, receivedUpTo }
    const { entries, warnings } = await readLines(context.store, plan, wanted, budget)
    return streamsText(entries, isApart, { warnings: [...warnings, ...missing()], budget })
  })
}

/** query: numbers at one moment. */
export async function queryInstant(context: Context, asked: Asked): Promise<string> {
  const { parameters } = asked
  const query = parseLogQl(parameters.text('query'))
  if (query.kind === 'log')
    throw refused(
      'log queries are not supported as an instant query type, please change your query to a range query type',
    )
  const steps: Steps = { start: parameters.time('time'), step: 1n, count: 1 }
  return numbersText(context, query, steps, asked, vectorText)
}

async function numbersText(
  context: Context,
  query: MetricQuery,
  steps: Steps,
  { signal, turns }: Asked,
  write: typeof matrixText,
): Promise<string> {
  const { store, commits, inventories } = context
  const labelling = new Labelling(inventories.clusterOf)
  const receivedUpTo = commits.lastReceived
  const streams = await store.streams()
  const missing: (() => string[])[] = []
  const logs = logQueries(query)
  for (const { log, range, offset } of logs) {
    const plan = planOf(log, labelling)
    const until = steps.start + steps.step * BigInt(steps.count - 1) - offset + 1n
    const matched = streams.filter(({ stream }) => plan.accepts(stream))
    const question = questionOf(context, log, plan, { matched, since: steps.start - offset - range, until })
    missing.push(await watchMissing(context, question))
  }
  const count = async (): Promise<string> => {
    const budget = new Budget(signal, context.timing.queryMs)
    const samples = { store, labelling, streams: streams.map(({ stream }) => stream), receivedUpTo, budget }
    const numbers = await evaluate(samples, query, steps)
    const beside: Beside = { warnings: [...new Set(missing.flatMap((warn) => warn()))], budget }
    return write(numbers, steps, beside)
  }
  // Whether the server is well is asked by a query that reads nothing.
  return logs.length === 0 ? count() : turns.run(signal, count)
}

/** What a query reads lines for. */
function logQueries(query: LogQl): { log: LogQuery; range: bigint; offset: bigint }[] {
  if (query.kind === 'range') return [{ log: query.query, range: query.range, offset: query.offset }]
  if (query.kind === 'aggregate') return logQueries(query.of)
  return query.kind === 'binary' ? [...logQueries(query.left), ...logQueries(query.right)] : []
}
