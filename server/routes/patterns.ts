import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { ApiPatterns } from '../../shared/api/analysis.ts'
import type { ApiExamined } from '../../shared/api/answers.ts'
import type { StoredRecord } from '../../shared/record.ts'
import { formatTime, parseTime } from '../../shared/time.ts'
import type { Context } from '../context.ts'
import { badParameter, ofParameter } from '../problem.ts'
import type { PatternsParameters } from '../query/analysis-parameters.ts'
import { type Pattern, Patterns, patternText } from '../query/patterns.ts'
import type { Scope } from '../query/query.ts'
import { patternsSchema } from './analysis-documents.ts'
import { ask } from './asking.ts'
import { examine } from './examine.ts'
import { placed } from './placed.ts'
import { answered, readScope, type Scoped } from './scoped.ts'

/** What is clustered: lines, or events, of a window, and of the one before it where they are compared. */
interface Asked extends Pick<Scoped, 'scope' | 'isEvents'> {
  readonly earlier: Scope | undefined
}

/** A window of time, and how much of it was examined. */
interface Window {
  readonly scope: Scope
  readonly length: number
  readonly examined: ApiExamined
}

/** What an answer is made of. */
interface Found {
  readonly patterns: Patterns
  readonly now: Window
  readonly before: Window | undefined
}

type Item = ApiPatterns['patterns'][number]

/** /api/v1/patterns: what the lines have in common. */
export function patternsRoute(context: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    ask(app, '/patterns', patternsSchema, async (asking): Promise<ApiPatterns> => {
      const { parameters, reply } = asking
      const { scope, isEvents, missing } = await readScope(context, asking)
      const newSince = newSinceOf(context, parameters)
      const earlier = parameters.compare ? windowBefore(scope, context.now()) : undefined
      return answered(context, 'patterns', reply, async (signal) => {
        const found = await find(context, parameters.examine, { scope, earlier, isEvents }, signal)
        return { ...told(context, parameters, newSince, found), completeness: missing.completeness() }
      })
    })
  }
}

function newSinceOf(context: Context, { new_since, timezone }: PatternsParameters): bigint | undefined {
  return new_since === undefined
    ? undefined
    : ofParameter('new_since', () => parseTime(new_since, context.now(), timezone))
}

/** The window of the same length that ends where the scope begins. */
function windowBefore(scope: Scope, now: bigint): Scope {
  const { since, until = now } = scope
  if (since === undefined || since >= until)
    throw badParameter('compare', 'cannot compare with the time before without a since: give one that is past')
  return { ...scope, since: since - (until - since), until: since }
}

async function find(
  context: Context,
  max: number,
  { scope, earlier, isEvents }: Asked,
  signal: AbortSignal,
): Promise<Found> {
  const patterns = new Patterns()
  const read = async (window: Scope, name: 'now' | 'before'): Promise<Window> => {
    const take = (record: StoredRecord): void => patterns.take(record, name)
    const examined = await examine(context, { scope: window, isEvents }, max, take, signal)
    return { scope: window, examined, length: lengthOf(window, examined, context.now()) }
  }
  const now = await read(scope, 'now')
  return { patterns, now, before: earlier && (await read(earlier, 'before')) }
}

/** How much time was examined, in ns. */
function lengthOf({ since = 0n, until }: Scope, { limited, from }: ApiExamined, now: bigint): number {
  const begin = limited && from !== undefined ? parseTime(from, now, 'UTC') : since
  return Math.max(Number((until ?? now) - begin), 1)
}

function told(
  context: Context,
  { limit }: PatternsParameters,
  newSince: bigint | undefined,
  { patterns, now, before }: Found,
): Omit<ApiPatterns, 'completeness'> {
  const growthOf = (pattern: Pattern): number =>
    before === undefined ? 0 : ((pattern.now + 1) / now.length) * (before.length / (pattern.before + 1))
  const all = patterns
    .all()
    .filter(({ first }) => newSince === undefined || first >= newSince)
    .map((pattern) => ({ pattern, growth: growthOf(pattern) }))
    .sort((a, b) => b.growth - a.growth || b.pattern.now - a.pattern.now || compareTexts(a.pattern, b.pattern))
  const item = ({ pattern, growth }: { pattern: Pattern; growth: number }): Item => ({
    pattern: patternText(pattern),
    records: pattern.now,
    share: pattern.now / now.examined.records,
    ...{ first: formatTime(pattern.first), last: formatTime(pattern.last) },
    ...(before && { before: pattern.before, growth }),
    example: JSON.parse(placed(context, now.scope).text(pattern.example)),
  })
  return {
    patterns: all.slice(0, limit).map(item),
    more: all.length > limit,
    unclustered: patterns.unclustered,
    examined: now.examined,
    ...(before && { examined_before: before.examined }),
  }
}

function compareTexts(a: Pattern, b: Pattern): number {
  return patternText(a) < patternText(b) ? -1 : 1
}
