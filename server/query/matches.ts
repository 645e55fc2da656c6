import type { Condition, Expression, Field } from '../../shared/query/ast.ts'
import { LEVELS, type LogRecord, type LogStream } from '../../shared/record.ts'
import { fieldReader } from './field-text.ts'
import { labelTexts } from './label-texts.ts'
import { holds, type Text, textOf, textTest } from './text-tests.ts'

/** What of a line an expression may be about. */
export type Line = Pick<LogRecord, 'stream' | 'source' | 'level' | 'message' | 'fields'>

/** Whether an expression holds for all lines of a stream, for none of them, or that depends on the line. */
export type StreamVerdict = boolean | 'depends'

/** An expression made ready to be asked. */
export interface Matcher {
  readonly line: (line: Line) => boolean
  readonly stream: (stream: LogStream) => StreamVerdict
}

/** A line with what several conditions need of it. */
interface Asked {
  readonly line: Line
  readonly message: Text
}

interface Compiled {
  readonly asked: (asked: Asked) => boolean
  readonly stream: (stream: LogStream) => StreamVerdict
}

/** Levels by their order. */
const RANKS: readonly (string | number)[] = LEVELS

const matchers = new WeakMap<Expression, Matcher>()

/** Makes an expression ready; once for each. */
export function matcherOf(expression: Expression): Matcher {
  const known = matchers.get(expression)
  if (known !== undefined) return known
  const { asked, stream } = compile(expression)
  const matcher: Matcher = { line: (line) => asked({ line, message: textOf(line.message) }), stream }
  matchers.set(expression, matcher)
  return matcher
}

function compile(expression: Expression): Compiled {
  switch (expression.op) {
    case 'all':
      return { asked: () => true, stream: () => true }
    case 'and':
      return all(expression.of.map(compile))
    case 'or':
      return any(expression.of.map(compile))
    case 'not': {
      const { asked, stream } = compile(expression.of)
      return { asked: (one) => !asked(one), stream: (one) => negate(stream(one)) }
    }
    default:
      return compileCondition(expression)
  }
}

function all(members: readonly Compiled[]): Compiled {
  return {
    asked: (one) => members.every(({ asked }) => asked(one)),
    stream: (one) => {
      const verdicts = members.map(({ stream }) => stream(one))
      return verdicts.includes(false) ? false : verdicts.includes('depends') ? 'depends' : true
    },
  }
}

function any(members: readonly Compiled[]): Compiled {
  return {
    asked: (one) => members.some(({ asked }) => asked(one)),
    stream: (one) => {
      const verdicts = members.map(({ stream }) => stream(one))
      return verdicts.includes(true) ? true : verdicts.includes('depends') ? 'depends' : false
    },
  }
}

function negate(verdict: StreamVerdict): StreamVerdict {
  return verdict === 'depends' ? verdict : !verdict
}

function compileCondition(condition: Condition): Compiled {
  const field = fieldOf(condition)
  if (isOfStream(field)) {
    const test = streamTest(condition, field)
    return { asked: ({ line }) => test(line.stream), stream: test }
  }
  return { asked: lineTest(condition, field), stream: () => 'depends' }
}

/** What a condition is about. */
export function fieldOf(condition: Condition): Field {
  return condition.op === 'text' ? { kind: 'label', name: 'message' } : condition.field
}

/** Whether all lines of a stream have the same there. */
export function isOfStream({ kind, name }: Field): boolean {
  return kind === 'label' && name !== 'source' && name !== 'level' && name !== 'message'
}

function streamTest(condition: Condition, { name }: Field): (stream: LogStream) => boolean {
  if (name === 'slot') {
    return ({ slot }) => {
      if (slot === 0 || condition.op !== 'compare') return slot !== 0
      return holds(slot - Number(condition.value), condition.by)
    }
  }
  const test = textTest(condition)
  const label = name as Parameters<typeof labelTexts>[0]
  const prefix = condition.op === 'compare' ? String(condition.value) : ''
  return (stream) => {
    const { names, id } = labelTexts(label, stream)
    return names.some((text) => test(textOf(text))) || (prefix !== '' && id.startsWith(prefix))
  }
}

function lineTest(condition: Condition, { kind, name }: Field): (asked: Asked) => boolean {
  if (kind === 'field') {
    const test = textTest(condition)
    const read = fieldReader(name)
    return ({ line }) => {
      const text = read(line.fields)
      return text !== undefined && test(textOf(text))
    }
  }
  if (name === 'level') return levelTest(condition)
  const test = textTest(condition)
  if (name === 'source') return ({ line }) => test(textOf(line.source))
  if (condition.op === 'exists') return ({ message }) => message.text !== ''
  return ({ message }) => test(message)
}

function levelTest(condition: Condition): (asked: Asked) => boolean {
  const isWanted = LEVELS.map((_, rank) => {
    if (condition.op !== 'compare') return true
    return holds(rank - RANKS.indexOf(condition.value), condition.by)
  })
  return ({ line }) => line.level !== '' && isWanted[LEVELS.indexOf(line.level)] === true
}
