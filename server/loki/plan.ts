import { LEVELS, type Level, type LogStream, type Source, type StoredRecord } from '../../shared/record.ts'
import { type Filter, MAX_GREP_CHARS } from '../query/query.ts'
import { Entry } from './entry.ts'
import { fieldExpressions, levelExpression, lineExpression } from './expressions.ts'
import { canonical, isStored, isStreamLabel, type Labelling } from './labels.ts'
import type { LabelTest, LineTest, LogQuery, Matcher, Stage } from './logql/tree.ts'
import { compileMatcher } from './matchers.ts'
import { compileStages } from './stages.ts'

/** How the lines of a query are found. */
export interface Plan {
  /** Finds all lines that are wanted, and perhaps others. */
  readonly filter: Filter
  /** Whether a stream of the catalog can have lines that are wanted. */
  readonly accepts: (stream: LogStream) => boolean
  readonly sources: readonly Source[]
  /** The filter finds no others, and lines keep the labels that they are stored with: they can be counted without being read. */
  readonly isCountable: boolean
  /** The line as the query makes it; undefined when it is not wanted. */
  readonly take: (record: StoredRecord) => Entry | undefined
}

const SOURCES: readonly Source[] = ['stdout', 'stderr']

/** Plans how to find the lines of a query. Throws a Problem (400) for what is wrong in it. */
export function planOf(query: LogQuery, labelling: Labelling): Plan {
  const { matchers, rest } = withFilters(query)
  const choice = chooseLines(matchers, labelling)
  const { tests, isAll } = prefixTests(rest)
  const where = [...choice.where, ...tests.map(lineExpression), ...fieldExpressions(query.stages)]
  const step = compileStages(query.stages)
  const { accepts, sources, isWanted } = choice
  return {
    filter: {
      ...{ services: [], stacks: [], tasks: [], nodes: [], containers: [], grep: '' },
      ...{ sources: sources.length === SOURCES.length ? [] : sources, accepts },
      ...(where.length > 0 && { where: where.length === 1 ? where[0] : { op: 'and', of: where } }),
    },
    accepts,
    sources,
    isCountable: isAll,
    take: (record) => {
      if (!isWanted(record)) return undefined
      const entry = new Entry(record, labelling.ofLine(record))
      return step(entry) ? entry : undefined
    },
  }
}

/** Label filters that are about labels which lines are stored with say the same as matchers of the selector. */
function withFilters({ matchers, stages }: LogQuery): { matchers: readonly Matcher[]; rest: readonly Stage[] } {
  const more: Matcher[] = []
  const rest = [...stages]
  for (let at = 0; at < rest.length; ) {
    const stage = rest[at]
    if (stage === undefined || !keepsLabels(stage)) break
    const found = stage.kind === 'filter' ? plainMatchers(stage.test) : undefined
    if (found === undefined) {
      if (stage.kind === 'filter') break
      at++
      continue
    }
    more.push(...found)
    rest.splice(at, 1)
  }
  return { matchers: [...matchers, ...more], rest }
}

function keepsLabels(stage: Stage): boolean {
  if (stage.kind === 'drop') return stage.labels.every(({ label }) => !isStored(label))
  return stage.kind === 'line' || stage.kind === 'filter' || stage.kind === 'line_format' || stage.kind === 'decolorize'
}

function plainMatchers(test: LabelTest): Matcher[] | undefined {
  if (test.kind === 'match') return [test.matcher]
  if (test.kind !== 'and') return undefined
  const parts = test.of.map(plainMatchers)
  return parts.every((part) => part !== undefined) ? parts.flat() : undefined
}

/** What the matchers say of streams, outputs and levels; a label that nothing is stored with is '' for all. */
function chooseLines(matchers: readonly Matcher[], labelling: Labelling) {
  const tests = matchers.map((matcher) => ({ label: canonical(matcher.label), test: compileMatcher(matcher) }))
  const meets = (label: string, value: string) => tests.every((one) => one.label !== label || one.test(value))
  const ofStreams = tests.filter(({ label }) => isStreamLabel(label))
  const isPossible = tests.filter(({ label }) => !isStored(label)).every(({ test }) => test(''))
  const sources = SOURCES.filter((source) => meets('source', source))
  const wanted = new Set<Level>([...LEVELS, '' as const].filter((level) => meets('level', level)))
  const known = new WeakMap<LogStream, boolean>()
  const accepts = (stream: LogStream): boolean => {
    const before = known.get(stream)
    if (before !== undefined) return before
    const isMet = ofStreams.every(({ label, test }) => test(labelling.valueOf(stream, label)))
    const result = isPossible && sources.length > 0 && wanted.size > 0 && isMet
    known.set(stream, result)
    return result
  }
  return {
    accepts,
    sources,
    where: wanted.size === LEVELS.length + 1 ? [] : [levelExpression(wanted)],
    isWanted: ({ stream, source, level }: StoredRecord) =>
      wanted.has(level) && sources.includes(source) && accepts(stream),
  }
}

/** The line tests that are about lines as they are stored, and whether these are all that the stages ask for. */
function prefixTests(stages: readonly Stage[]): { tests: LineTest[]; isAll: boolean } {
  const tests: LineTest[] = []
  let isLineKept = true
  let isAll = true
  for (const stage of stages) {
    if (stage.kind === 'line') {
      const canPush = isLineKept && stage.test.texts.every(({ length }) => length > 0 && length <= MAX_GREP_CHARS)
      if (canPush) tests.push(stage.test)
      else if (!isNoTest(stage.test)) isAll = false
    } else if (stage.kind === 'line_format' || stage.kind === 'decolorize') isLineKept = false
    else if (!keepsLabels(stage) || stage.kind === 'filter') isAll = false
  }
  return { tests, isAll }
}

/** Grafana's empty `|= ""`. */
function isNoTest({ by, texts }: LineTest): boolean {
  return (by === '|=' || by === '|~') && texts.includes('')
}
