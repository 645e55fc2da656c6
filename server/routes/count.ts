import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { ApiCount, ApiHistogram } from '../../shared/api/answers.ts'
import type { StoredRecord } from '../../shared/record.ts'
import { formatTime, parseDuration } from '../../shared/time.ts'
import type { Context } from '../context.ts'
import { eachEvent } from '../events/count.ts'
import { linesOf } from '../events/lines.ts'
import type { EventRecord } from '../events/record.ts'
import { badParameter, ofParameter } from '../problem.ts'
import { drawnRange, type Interval, plainInterval } from '../query/interval.ts'
import { fieldOfBy } from '../query/named-field.ts'
import type { HistogramParameters } from '../query/parameters.ts'
import type { Scope } from '../query/query.ts'
import { Histogram, type HistogramBucket } from '../store/histogram.ts'
import { ask } from './asking.ts'
import { countSchema, histogramSchema } from './count-documents.ts'
import { examine } from './examine.ts'
import { answered, beginScope, inWindows, type Scoped } from './scoped.ts'

/** /api/v1/count and /api/v1/histogram. */
export function countRoutes(context: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    ask(app, '/count', countSchema, async (asking): Promise<ApiCount> => {
      const scoped = await beginScope(context, asking)
      return answered(context, 'count', asking.reply, async (signal) => {
        let records = 0
        const part = await inWindows(context, scoped, signal, async (window, until) => {
          if (scoped.isEvents) records += await countEvents(context, window, until)
          else records += await context.store.count(window, until)
        })
        await scoped.reading
        return { records, ...part, completeness: scoped.missing.completeness() }
      })
    })
    ask(app, '/histogram', histogramSchema, async (asking): Promise<ApiHistogram> => {
      const scoped = await beginScope(context, asking)
      const interval = readInterval(context, asking.parameters, scoped)
      return answered(context, 'histogram', asking.reply, async (signal) => {
        const answer = await histogram(context, asking.parameters, interval.length, scoped, signal)
        await scoped.reading
        return { interval: interval.text, ...answer, completeness: scoped.missing.completeness() }
      })
    })
  }
}

async function histogram(
  context: Context,
  { by, examine: max }: HistogramParameters,
  interval: bigint,
  scoped: Scoped,
  signal: AbortSignal,
): Promise<Omit<ApiHistogram, 'interval' | 'completeness'>> {
  const field = fieldOfBy(by, 'one', context.inventories.clusterOf)
  const key = by === 'none' ? by : field.kind === 'label' ? field.key : undefined
  const total = new Histogram({ interval, by: key ?? 'none' })
  const buckets = () => total.buckets().map((bucket) => bucketOf(bucket, by !== 'none'))
  if (scoped.isEvents) {
    const part = await inWindows(context, scoped, signal, async (window, until) => {
      const found = new Histogram({ interval, by: 'none' })
      const keyIn = (event: EventRecord) => (by === 'none' ? '' : String(field.valueOf(event) ?? ''))
      await eachEvent(linesOf(context), window, until, (event) => found.add(event.time, keyIn(event), 1))
      total.merge(found.buckets())
    })
    return { buckets: buckets(), ...part }
  }
  if (key === undefined) {
    const add = (record: StoredRecord): void => total.add(record.time, String(field.valueOf(record) ?? ''), 1)
    const examined = await examine(context, scoped, max, add, signal)
    return { buckets: buckets(), examined }
  }
  const part = await inWindows(context, scoped, signal, async (window, until) => {
    total.merge(await context.store.histogram(window, { interval, by: key }, until))
  })
  return { buckets: buckets(), ...part }
}

async function countEvents(context: Context, window: Scope, signal: AbortSignal): Promise<number> {
  let count = 0
  await eachEvent(linesOf(context), window, signal, () => count++)
  return count
}

function readInterval(context: Context, { interval }: HistogramParameters, { scope, choice }: Scoped): Interval {
  if (interval !== undefined) return givenInterval(interval)
  const now = context.now()
  const { from, to } = drawnRange(scope, choice.matched, { begins: context.store.status().begins ?? now, now })
  return plainInterval(from, to)
}

/** Reads an interval that was asked for. */
export function givenInterval(text: string): Interval {
  const length = ofParameter('interval', () => parseDuration(text))
  if (length > 0n) return { text, length }
  throw badParameter('interval', `cannot use interval=${text}: give a length such as 10s, 5m, 1h`)
}

function bucketOf({ start, counts }: HistogramBucket, isApart: boolean): ApiHistogram['buckets'][number] {
  const records = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return { start: formatTime(start), records, ...(isApart && { counts: Object.fromEntries(counts) }) }
}
