import type { ApiPage } from '../../shared/api/answers.ts'
import { formatTime, parseTime } from '../../shared/time.ts'
import type { Client } from '../client.ts'
import type { Page } from './event.ts'
import { annotationLine, gapLine, isSame, keyOf, type Line, lineOf } from './line.ts'
import { paramsOf, type Scope } from './scope.ts'

const AROUND = 300
const FURTHER = 1000

/** A page of lines, and the verdict on it. */
export interface Answer {
  readonly page: Page
  readonly verdict: ApiPage['completeness']
}

/** Reads the lines around a time: as many before it as from it on. */
export async function readAround(
  client: Client,
  scope: Scope,
  time: string,
  wanted: Line | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  const [before, after] = await Promise.all([
    ask(client, scope, { until: time, order: 'desc', limit: AROUND }, signal),
    ask(client, scope, { since: time, order: 'asc', limit: AROUND }, signal),
  ])
  const [older, newer] = [linesOf(before), linesOf(after)]
  const same = wanted === undefined ? -1 : newer.findIndex((line) => isSame(line, wanted))
  const index = newer.length > 0 ? older.length + Math.max(0, same) : Math.max(0, older.length - 1)
  const isEnd = { older: before.end, newer: after.end }
  return {
    page: { kind: 'jump', lines: [...older, ...newer], index, isEnd },
    verdict: worst(before.completeness, after.completeness),
  }
}

/** Reads what is before or behind the lines that are here; `edge` are the first or last of these, all of one time. */
export async function readFurther(
  client: Client,
  scope: Scope,
  direction: 'older' | 'newer',
  edge: readonly Line[],
  signal: AbortSignal,
): Promise<Answer> {
  const time = parseTime(edge[0]?.time ?? 'now', BigInt(Date.now()) * 1_000_000n, 'UTC')
  const range = (by: bigint) =>
    direction === 'older' ? { until: formatTime(time + by) } : { since: formatTime(time + 1n - by) }
  const order = direction === 'older' ? 'desc' : 'asc'
  const limit = FURTHER
  let answer = await ask(client, scope, { ...range(1n), order, limit }, signal)
  let lines = without(linesOf(answer), edge)
  if (lines.length === 0 && !answer.end) {
    // More lines of one time than a page holds: on to the next time.
    answer = await ask(client, scope, { ...range(0n), order, limit }, signal)
    lines = linesOf(answer)
  }
  return {
    page: { kind: direction, lines, index: 0, isEnd: { [direction]: answer.end } },
    verdict: answer.completeness,
  }
}

/** The next line of a scope behind a time, or the last one before it; undefined when there is none. */
export async function readNext(
  client: Client,
  scope: Scope,
  time: string,
  by: 1 | -1,
  signal: AbortSignal,
): Promise<Line | undefined> {
  const at = parseTime(time, 0n, 'UTC')
  const range = by > 0 ? { since: formatTime(at + 1n), order: 'asc' } : { until: time, order: 'desc' }
  const { records } = await ask(client, scope, { ...range, limit: 1 }, signal)
  return records.map((record) => lineOf(record))[0]
}

async function ask(
  client: Client,
  scope: Scope,
  range: Readonly<Record<string, string | number | undefined>>,
  signal: AbortSignal,
): Promise<ApiPage> {
  const params = paramsOf(scope)
  for (const [name, value] of Object.entries(range)) if (value !== undefined) params.set(name, String(value))
  return (await client.json<ApiPage>('api/v1/search', params, signal)).answer
}

function worst(one: ApiPage['completeness'], other: ApiPage['completeness']): ApiPage['completeness'] {
  const ranks = ['complete', 'unknown', 'partial']
  return ranks.indexOf(one.verdict) > ranks.indexOf(other.verdict) ? one : other
}

/** The lines, gaps and notes of a page, oldest first. */
function linesOf({ records, gaps, annotations = [] }: ApiPage): Line[] {
  const lines = records.map((record) => lineOf(record))
  if (lines.length > 1 && (lines[0]?.time ?? '') > (lines.at(-1)?.time ?? '')) lines.reverse()
  return inTime(lines, [...gaps.map(gapLine), ...annotations.map(annotationLine)])
}

/** Lines in their order with gaps and notes at their times. */
export function inTime(lines: readonly Line[], others: readonly Line[]): Line[] {
  // Times are of one length and zone; the sort is stable, so lines of one time keep their order.
  return [...lines, ...others].sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
}

/** The lines but for those that are at the edge already, each as often as it is there. */
function without(lines: readonly Line[], edge: readonly Line[]): Line[] {
  const known = new Map<string, number>()
  for (const line of edge) known.set(keyOf(line), (known.get(keyOf(line)) ?? 0) + 1)
  return lines.filter((line) => {
    const left = known.get(keyOf(line)) ?? 0
    if (left > 0) known.set(keyOf(line), left - 1)
    return left === 0
  })
}
