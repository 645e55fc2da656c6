import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import type { ApiCount, ApiHistogram } from '../../shared/api.ts'
import { formatTime, parseDuration } from '../../shared/time.ts'
import type { Context } from '../context.ts'
import { badParameter, ofParameter, serverStops } from '../problem.ts'
import { Budget } from '../query/budget.ts'
import { type Choice, mustExist, readChoice } from '../query/choice.ts'
import { drawnRange, type Interval, plainInterval } from '../query/interval.ts'
import { type CountParameters, type HistogramParameters, rangeOf, rewriteFlags } from '../query/parameters.ts'
import type { Scope } from '../query/query.ts'
import { windowsOf } from '../query/windows.ts'
import { Histogram, type HistogramBucket } from '../store/histogram.ts'
import { countSchema, histogramSchema } from './count-documents.ts'
import { writeHeaders } from './headers.ts'
import { clientGone } from './streamed.ts'

/** GET /api/v1/count and /api/v1/histogram. */
export function countRoutes(context: Context): FastifyPluginAsyncTypebox {
  const preValidation = async (request: { query: unknown }) => rewriteFlags(request.query as Record<string, unknown>)
  return async (app) => {
    app.get('/count', { schema: countSchema, preValidation }, async (request, reply): Promise<ApiCount> => {
      const { scope, choice } = await readScope(context, request.query, reply)
      return answer(context, 'count', reply, async (signal) => {
        let records = 0
        const part = await inWindows(context, { scope, choice }, signal, async (window, until) => {
          records += await context.store.count(window, until)
        })
        return { records, ...part }
      })
    })
    app.get('/histogram', { schema: histogramSchema, preValidation }, async (request, reply): Promise<ApiHistogram> => {
      const { by } = request.query
      const { scope, choice } = await readScope(context, request.query, reply)
      const interval = readInterval(context, request.query, scope, choice)
      return answer(context, 'histogram', reply, async (signal) => {
        const wish = { interval: interval.length, by }
        const total = new Histogram(wish)
        const part = await inWindows(context, { scope, choice }, signal, async (window, until) => {
          total.merge(await context.store.histogram(window, wish, until))
        })
        const buckets = total.buckets().map((bucket) => bucketOf(bucket, by !== 'none'))
        return { interval: interval.text, buckets, ...part }
      })
    })
  }
}

async function readScope(
  context: Context,
  parameters: CountParameters,
  reply: FastifyReply,
): Promise<{ scope: Scope; choice: Choice }> {
  const range = rangeOf(parameters, context.now())
  const choice = await readChoice(context, parameters)
  mustExist(choice)
  writeHeaders(context, { ...choice, ...range }, reply)
  return { scope: { filter: choice.filter, ...range, receivedUpTo: context.commits.lastReceived }, choice }
}

/** Counts window by window; when the time of the query is up, tells how far it came. */
async function inWindows(
  context: Context,
  { scope, choice }: { readonly scope: Scope; readonly choice: Choice },
  signal: AbortSignal,
  count: (window: Scope, signal: AbortSignal) => Promise<void>,
): Promise<Pick<ApiCount, 'stopped' | 'counted_since'>> {
  const budget = new Budget(context.timing.queryMs, scope.filter)
  const until = budget.signal(signal)
  let since: bigint | undefined
  for (const window of windowsOf(scope, choice.matched)) {
    try {
      await budget.run(() => count(window, until))
    } catch (error) {
      const { stopped } = budget
      if (stopped === undefined || signal.aborted) throw error
      return { stopped, ...(since !== undefined && { counted_since: formatTime(since) }) }
    }
    since = window.since
  }
  return {}
}

function readInterval(context: Context, { interval }: HistogramParameters, scope: Scope, choice: Choice): Interval {
  if (interval !== undefined) {
    const length = ofParameter('interval', () => parseDuration(interval))
    if (length > 0n) return { text: interval, length }
    throw badParameter('interval', `cannot use interval=${interval}: give a length such as 10s, 5m, 1h`)
  }
  const now = context.now()
  const { from, to } = drawnRange(scope, choice.matched, { begins: context.store.status().begins ?? now, now })
  return plainInterval(from, to)
}

function bucketOf({ start, counts }: HistogramBucket, isApart: boolean): ApiHistogram['buckets'][number] {
  const records = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return { start: formatTime(start), records, ...(isApart && { counts: Object.fromEntries(counts) }) }
}

async function answer<T>(
  context: Context,
  kind: string,
  reply: FastifyReply,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const start = performance.now()
  reply.raw.once('close', () => context.metrics.answered(kind, (performance.now() - start) / 1000))
  const signal = AbortSignal.any([clientGone(reply), context.stopping])
  try {
    return await work(signal)
  } catch (error) {
    throw signal.aborted ? serverStops() : error
  }
}
