import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { comparePositions, type LogStream, type Position, positionOf, type StoredRecord } from '../../shared/record.ts'
import type { Context } from '../context.ts'
import { outputsOf } from '../events/group.ts'
import { apiAnnotation, apiGap, type Missing } from '../missing.ts'
import { badParameter, ofParameter, Problem } from '../problem.ts'
import type { ContextParameters } from '../query/analysis-parameters.ts'
import { Budget } from '../query/budget.ts'
import { Cursors } from '../query/cursor.ts'
import { looksAtLines } from '../query/filter.ts'
import { EVERYTHING, type Filter, type Query, type Scope } from '../query/query.ts'
import { isGapIn } from '../store/gap-table.ts'
import { contextSchema } from './analysis-documents.ts'
import { ask } from './asking.ts'
import { placed } from './placed.ts'
import { answered, readScope } from './scoped.ts'

/** A line and its neighbours, in order. */
interface Neighbours {
  readonly before: readonly StoredRecord[]
  readonly record: StoredRecord
  readonly after: readonly StoredRecord[]
}

/** /api/v1/context: what was printed around a line. */
export function contextRoute(context: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    ask(app, '/context', contextSchema, async (asking) => {
      const { parameters, reply } = asking
      const place = placeOf(context, parameters.cursor)
      reply.hasNotes = true
      const { scope, missing } = await readScope(context, asking)
      return answered(context, 'context', reply, async (signal) => {
        const budget = new Budget(context.timing.queryMs, looksAtLines(scope.filter))
        const read = (query: Query) => collect(budget.over(context.store.search(query, budget.signal(signal))), signal)
        const found = await neighbours(read, parameters, place, scope)
        if (budget.stopped !== undefined) reply.isFinal = false
        reply.type('application/json; charset=utf-8')
        return textOf(context, scope, { ...found, stopped: budget.stopped }, missing)
      })
    })
  }
}

function placeOf({ store }: Context, text: string): Position {
  const place = ofParameter('cursor', () => new Cursors(store.identity.id, '').place(text))
  if (place === undefined) throw badParameter('cursor', 'cannot use this cursor: it stands for an end, not for a line')
  return place
}

type Read = (query: Query) => Promise<StoredRecord[]>

async function neighbours(
  read: Read,
  { before, after, within }: ContextParameters,
  place: Position,
  scope: Scope,
): Promise<Neighbours> {
  const record = await lineAt(read, place)
  const around = { ...scope, filter: narrowed(scope.filter, record, within), after: place }
  return {
    before: before === 0 ? [] : (await read({ ...around, order: 'desc', limit: before })).reverse(),
    record,
    after: after === 0 ? [] : await read({ ...around, order: 'asc', limit: after }),
  }
}

/** The line at a place. It may have been forgotten since. */
async function lineAt(read: Read, place: Position): Promise<StoredRecord> {
  const { nodeId, containerId } = place
  const accepts = (stream: LogStream): boolean => stream.nodeId === nodeId && stream.containerId === containerId
  const filter = { ...EVERYTHING, sources: [place.source], accepts }
  const range = { since: place.time, until: place.time + 1n, after: { ...place, ordinal: place.ordinal - 1 } }
  const [record] = await read({ filter, ...range, order: 'asc', limit: 1 })
  if (record !== undefined && comparePositions(positionOf(record), place) === 0) return record
  const message = 'cannot find the line of this cursor: the store does not keep it any more'
  throw new Problem('SWARMLOGS_NOT_FOUND', 404, { code: 'no_such_record', message, parameter: 'cursor' })
}

/** Leaves of the filter what belongs to the line. */
function narrowed(filter: Filter, { stream, source }: StoredRecord, within: ContextParameters['within']): Filter {
  const { serviceId, service } = stream
  const isOwn = (other: LogStream): boolean => {
    if (within === 'all') return true
    if (within === 'service') return other.serviceId === serviceId && other.service === service
    return outputsOf(other) === outputsOf(stream)
  }
  const accepts = (other: LogStream): boolean => isOwn(other) && (filter.accepts?.(other) ?? true)
  return { ...filter, accepts, ...(within === 'stream' && { sources: [source] }) }
}

async function collect(batches: AsyncIterable<readonly StoredRecord[]>, signal: AbortSignal): Promise<StoredRecord[]> {
  const records: StoredRecord[] = []
  for await (const batch of batches) records.push(...batch)
  signal.throwIfAborted()
  return records
}

function textOf(
  context: Context,
  scope: Scope,
  { before, record, after, stopped }: Neighbours & { stopped: string | undefined },
  missing: Missing,
): string {
  const { text } = placed(context, scope)
  const [first = record, last = record] = [before[0], after.at(-1)]
  const range = { since: first.time, until: last.time + 1n }
  const gaps = missing.gaps.filter((gap) => isGapIn(gap, range)).map((gap) => apiGap(gap, context))
  const annotations = missing.annotations.filter((one) => isGapIn(one, range)).map((one) => apiAnnotation(one, context))
  return (
    `{"before":[${before.map(text).join(',')}],"record":${text(record)},"after":[${after.map(text).join(',')}]` +
    `${stopped === undefined ? '' : `,"stopped":${JSON.stringify(stopped)}`}` +
    `,"gaps":${JSON.stringify(gaps)}${annotations.length === 0 ? '' : `,"annotations":${JSON.stringify(annotations)}`},"completeness":${JSON.stringify(missing.completeness())}}`
  )
}
