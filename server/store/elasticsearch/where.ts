import type { Condition, Expression } from '../../../shared/query/ast.ts'
import { patternParts } from '../../../shared/query/words.ts'
import { LEVELS, NO_STREAM, type Source } from '../../../shared/record.ts'
import { fieldOf, isOfStream, type Line, matcherOf } from '../../query/matches.ts'
import { regexTexts } from '../../query/regex-texts.ts'
import { streamsClause } from './dsl.ts'
import { fieldSieve } from './field-sieve.ts'
import { textSieve } from './grep.ts'
import { allOf, anyOf, exactly, noneOf, roughly, type Sieve, UNKNOWN } from './sieve.ts'
import type { Entry } from './streams.ts'

/** Streams that one condition names at most; with more the lines themselves are asked. */
const MAX_STREAMS = 10_000
const SOURCES: readonly Source[] = ['stdout', 'stderr']
const NO_LINE: Line = { stream: NO_STREAM, source: 'stdout', level: '', message: '', fields: '' }

/** What the index says about an expression, of lines of these streams. */
export function whereSieve(expression: Expression, entries: readonly Entry[]): Sieve {
  switch (expression.op) {
    case 'all':
      return exactly(true)
    case 'and':
      return allOf(expression.of.map((one) => whereSieve(one, entries)))
    case 'or':
      return anyOf(expression.of.map((one) => whereSieve(one, entries)))
    case 'not':
      return noneOf(whereSieve(expression.of, entries))
    default:
      return conditionSieve(expression, entries)
  }
}

function conditionSieve(condition: Condition, entries: readonly Entry[]): Sieve {
  const field = fieldOf(condition)
  const { line, stream } = matcherOf(condition)
  if (isOfStream(field)) return streamsSieve(entries, (entry) => stream(entry.stream) === true)
  if (field.kind === 'field') return fieldSieve(condition, field.name)
  if (field.name === 'level')
    return oneOf(
      'log.level',
      LEVELS.filter((level) => line({ ...NO_LINE, level })),
    )
  if (field.name === 'source')
    return oneOf(
      'log.iostream',
      SOURCES.filter((source) => line({ ...NO_LINE, source })),
    )
  return messageSieve(condition)
}

function streamsSieve(entries: readonly Entry[], isWanted: (entry: Entry) => boolean): Sieve {
  const wanted = entries.filter(isWanted)
  if (wanted.length === 0) return exactly(false)
  if (wanted.length === entries.length) return exactly(true)
  return wanted.length > MAX_STREAMS ? UNKNOWN : exactly(streamsClause(wanted.map(({ id }) => id)))
}

function oneOf(name: string, values: readonly string[]): Sieve {
  return exactly(values.length > 0 && { terms: { [name]: values } })
}

function messageSieve(condition: Condition): Sieve {
  switch (condition.op) {
    case 'text':
      return condition.isExact && /[^0-9._]/.test(condition.text)
        ? inexact(textSieve(condition.text))
        : textSieve(condition.text)
    case 'regex':
      return together(regexTexts(condition))
    case 'glob':
      return together(patternParts(condition.pattern).flatMap((part) => (part.kind === 'text' ? [part.text] : [])))
    case 'compare':
      return together([String(condition.value)])
    case 'exists':
      return UNKNOWN
  }
}

/** Lines that have all of the texts, and more that is asked of them. */
function together(texts: readonly string[]): Sieve {
  return inexact(allOf(texts.map(textSieve)))
}

function inexact({ query, doubts }: Sieve): Sieve {
  return roughly(query, ...doubts)
}
