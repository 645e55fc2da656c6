import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { positionOf, type StoredRecord } from '../../shared/record.ts'
import type { Context } from '../context.ts'
import { Missing } from '../missing.ts'
import { badParameter, type Problem, problemOf, serverStops } from '../problem.ts'
import { Budget } from '../query/budget.ts'
import { mustExist } from '../query/choice.ts'
import { looksAtLines } from '../query/filter.ts'
import { FramePacker } from '../query/frames.ts'
import { GapPlaces } from '../query/gap-places.ts'
import { recordJson } from '../query/json.ts'
import type { SearchParameters } from '../query/parameters.ts'
import type { Query } from '../query/query.ts'
import { knownCount, type Question, readQuestion } from '../query/question.ts'
import { archived } from './archived.ts'
import { ask } from './asking.ts'
import { isFinal } from './final.ts'
import { FORMS, type Form, preferredForm, wantsNotes, wantsTrailer } from './forms.ts'
import { find, mustNotHaveStopped, mustSuitEvents, printed } from './found.ts'
import { writeHeaders } from './headers.ts'
import { searchSchema } from './log-documents.ts'
import { clientGone, sendStreamed } from './streamed.ts'
import { ToldTexts, toldLines } from './told.ts'
import { frameTrailer, httpTrailer } from './trailers.ts'

const DEFAULT_LIMIT = 1_000
const MAX_LIMIT = 10_000
/** A page ends early rather than hold more than so much text. */
const MAX_PAGE_CHARS = 16 * 1024 * 1024
const CHUNK_CHARS = 64 * 1024

/** One search under way. */
interface Search {
  readonly question: Question
  readonly order: 'asc' | 'desc'
  readonly limit: number | undefined
  /** Pages and resumed streams show the store as it was when they began. */
  readonly receivedUpTo: bigint
  readonly missing: Missing
  readonly budget: Budget
  /** Some lines were missing when it began. */
  readonly isDoubtful: boolean
  readonly hasTrailer: boolean
  /** NDJSON has what people noted, too. */
  readonly hasNotes: boolean
  /** Events are wanted, not lines. */
  readonly isEvents: boolean
}

/** /api/v1/search. */
export function searchRoute(context: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    ask(app, '/search', searchSchema, async ({ parameters, request, reply }) => {
      const start = performance.now()
      const { accept } = request.headers
      const form = preferredForm(accept)
      reply.raw.once('close', () => context.metrics.answered(`search_${form}`, (performance.now() - start) / 1000))
      const search = await readSearch(context, form, parameters, accept)
      const { question, missing } = search
      writeHeaders(context, question, reply)
      const count = search.isEvents ? undefined : knownCount(question)
      if (count !== undefined) reply.header('swarmlogs-records', count)
      reply.header('content-type', form === 'text' ? 'text/plain; charset=utf-8' : FORMS[form])
      if (form === 'json') {
        const text = await page(context, search, clientGone(reply))
        // What comes behind the end may still belong to an event.
        const isWhole = request.method !== 'POST' && search.budget.stopped === undefined && !search.isEvents
        reply.hasNotes = true
        reply.isFinal = isWhole && isFinal(context, parameters, question, missing)
        return text
      }
      if (form === 'text')
        reply.trailer('swarmlogs-completeness', () => httpTrailer(context, missing, queryOf(search, true)))
      return sendStreamed(context, reply, (signal) => STREAMS[form](context, search, signal))
    })
  }
}

async function readSearch(
  context: Context,
  form: Form,
  parameters: SearchParameters,
  accept: string | undefined,
): Promise<Search> {
  const { order, limit, events: isEvents } = parameters
  if (isEvents) mustSuitEvents(parameters)
  if (form === 'json' && limit !== undefined && limit > MAX_LIMIT) {
    throw badParameter(
      'limit',
      `cannot use limit=${limit} for JSON: give at most ${MAX_LIMIT}, or accept ${FORMS.ndjson}`,
    )
  }
  const question = await readQuestion(context, 'search', parameters)
  mustExist(question)
  if (question.cursor !== undefined) await context.commits.reach(question.cursor.receivedUpTo)
  const missing = new Missing(context, question)
  const receivedUpTo = question.cursor?.receivedUpTo ?? context.commits.lastReceived
  // A page reads them while it searches.
  if (form !== 'json') await missing.read()
  const isDoubtful = question.cursor?.isDoubtful === true || missing.hasLateNodes
  const budget = new Budget(context.timing.queryMs, looksAtLines(question.filter))
  const wishes = { hasTrailer: wantsTrailer(accept), hasNotes: wantsNotes(accept) }
  return { question, order, limit, receivedUpTo, missing, budget, isDoubtful, isEvents, ...wishes }
}

function queryOf({ question, order, limit, receivedUpTo }: Search, isSnapshot: boolean): Query {
  const { filter, since, until, newest, perTask, cursor } = question
  return {
    filter,
    order,
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
    ...(newest !== undefined && { newest, perTask }),
    ...(limit !== undefined && { limit }),
    ...(cursor?.position && { after: cursor.position }),
    ...((isSnapshot || cursor !== undefined) && { receivedUpTo }),
  }
}

function cursorAt({ question, receivedUpTo, isDoubtful }: Search, record: StoredRecord): string {
  const { since, until, cursors } = question
  const range = { ...(since !== undefined && { since }), ...(until !== undefined && { until }) }
  return cursors.write({ kind: 'search', receivedUpTo, ...range, position: positionOf(record), isDoubtful })
}

async function page(context: Context, search: Search, signal: AbortSignal): Promise<string> {
  const limit = search.limit ?? DEFAULT_LIMIT
  // One more than asked for tells whether this is the end.
  const query = queryOf({ ...search, limit: limit + 1 }, true)
  const places = new GapPlaces(search.missing, search.question, search.order)
  const told = new ToldTexts(context)
  const texts: string[] = []
  let chars = 0
  let last: string | null = null
  let time: bigint | undefined
  const { budget, missing } = search
  for await (const records of meanwhile(find(context, search, query, signal), () => missing.read())) {
    for (const record of records) {
      if (texts.length === limit || chars > MAX_PAGE_CHARS) return pageText(search, texts, told, last)
      told.add(places.before(record))
      time = record.time
      last = cursorAt(search, record)
      const text = recordJson(record, last, context.inventories.clusterOf)
      texts.push(text)
      chars += text.length
    }
  }
  const isStopped = budget.stopped !== undefined
  told.add(places.rest(time, isStopped))
  return pageText(search, texts, told, isStopped ? last : null)
}

/** The items, the first of them looked for while the work is done. */
async function* meanwhile<T>(items: AsyncIterable<T>, work: () => Promise<void>): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]()
  try {
    const [first] = await Promise.all([iterator.next(), work()])
    for (let next = first; !next.done; next = await iterator.next()) yield next.value
  } finally {
    await iterator.return?.()
  }
}

function pageText(
  { missing, budget }: Search,
  records: readonly string[],
  { members }: ToldTexts,
  cursor: string | null,
): string {
  const { stopped } = budget
  const isEnd = cursor === null && stopped === undefined
  return (
    `{"records":[${records.join(',')}],"cursor":${JSON.stringify(cursor)},"end":${isEnd}` +
    `${stopped === undefined ? '' : `,"stopped":${JSON.stringify(stopped)}`}${members},"completeness":${JSON.stringify(missing.completeness())}}`
  )
}

const STREAMS = { ndjson, text, multiplexed, archive }

async function* ndjson(context: Context, search: Search, signal: AbortSignal): AsyncGenerator<Buffer> {
  const query = queryOf(search, true)
  const places = new GapPlaces(search.missing, search.question, search.order)
  let text = ''
  let count = 0
  let last: string | null = null
  let time: bigint | undefined
  const { budget, hasNotes } = search
  try {
    for await (const records of find(context, search, query, signal)) {
      for (const record of records) {
        last = cursorAt(search, record)
        time = record.time
        text += toldLines(places.before(record), context, hasNotes)
        text += `${recordJson(record, last, context.inventories.clusterOf)}\n`
        count++
        if (text.length < CHUNK_CHARS) continue
        yield Buffer.from(text)
        text = ''
      }
    }
    signal.throwIfAborted()
    const { stopped } = budget
    const cursor = count === search.limit || stopped !== undefined ? last : null
    text += toldLines(places.rest(time, cursor !== null), context, hasNotes)
    const completeness = search.missing.completeness()
    yield Buffer.from(`${text}${JSON.stringify({ end: true, cursor, records: count, stopped, completeness })}\n`)
  } catch (error) {
    if (count === 0) throw error
    yield Buffer.from(`${text}${JSON.stringify(interrupted(context, error).body)}\n`)
  }
}

function archive(context: Context, search: Search, signal: AbortSignal): AsyncGenerator<Buffer> {
  const { missing, question, order, receivedUpTo, budget } = search
  return archived({
    head: { store: context.store.identity, received: String(receivedUpTo) },
    found: find(context, search, queryOf(search, true), signal),
    places: new GapPlaces(missing, question, order),
    end: (last, records) => {
      signal.throwIfAborted()
      const { stopped } = budget
      const isPart = records === search.limit || stopped !== undefined
      const cursor = isPart && last !== undefined ? cursorAt(search, last) : null
      return {
        isPart: cursor !== null,
        end: { end: true, cursor, records, stopped, completeness: missing.completeness() },
      }
    },
    failed: (error) => interrupted(context, error).body,
  })
}

async function* text(context: Context, search: Search, signal: AbortSignal): AsyncGenerator<Buffer> {
  const { budget, question } = search
  for await (const runs of printed(context, search, queryOf(search, search.isEvents), question.format, signal)) {
    if (runs.length > 0) yield Buffer.from(runs.map((run) => run.text).join(''))
  }
  // A text has no place for an error: an answer that is cut off must look so.
  signal.throwIfAborted()
  mustNotHaveStopped(budget)
}

async function* multiplexed(context: Context, search: Search, signal: AbortSignal): AsyncGenerator<Buffer> {
  const packer = new FramePacker()
  let hasBegun = false
  try {
    const { budget, question } = search
    for await (const runs of printed(context, search, queryOf(search, search.isEvents), question.format, signal)) {
      for (const run of runs) {
        hasBegun = true
        yield* packer.add(run)
      }
    }
    signal.throwIfAborted()
    if (!search.hasTrailer) mustNotHaveStopped(budget)
    if (search.hasTrailer) yield* packer.add({ source: 'trailer', text: await lastFrame(context, search, signal) })
  } catch (error) {
    if (!hasBegun) throw error
    yield* packer.add({ source: 'error', text: interrupted(context, error).message })
  }
  yield* packer.flush()
}

function lastFrame(context: Context, search: Search, signal: AbortSignal): Promise<string> {
  return frameTrailer(context, search.missing, queryOf(search, true), search.budget.stopped, signal)
}

function interrupted(context: Context, error: unknown): Problem {
  const problem = context.stopping.aborted ? serverStops() : problemOf(error)
  if (problem.status === 500) context.log.error({ err: error }, 'answer was cut off by an error')
  return problem
}
