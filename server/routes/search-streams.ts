import type { Context } from '../context.ts'
import { type Problem, problemOf, serverStops } from '../problem.ts'
import { FramePacker } from '../query/frames.ts'
import { GapPlaces } from '../query/gap-places.ts'
import { recordJson } from '../query/json.ts'
import { archived } from './archived.ts'
import { find, mustNotHaveStopped, printed } from './found.ts'
import { cursorAt, queryOf, type Search } from './search-reading.ts'
import { toldLines } from './told.ts'
import { frameTrailer } from './trailers.ts'

const CHUNK_CHARS = 64 * 1024

/** The forms of an answer that is sent while it is found. */
export const STREAMS = { ndjson, text, multiplexed, archive }

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
