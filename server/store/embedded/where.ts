import { SwarmlogsError } from '../../../shared/errors.ts'
import type { Condition, Expression } from '../../../shared/query/ast.ts'
import { patternParts } from '../../../shared/query/words.ts'
import { LEVELS, type LogStream, NO_STREAM } from '../../../shared/record.ts'
import { lower } from '../../query/filter.ts'
import { fieldOf, isOfStream, type Line, matcherOf } from '../../query/matches.ts'
import type { Reader } from './engine.ts'
import { messageOf } from './failure.ts'
import { levelCode, quoteText, sourceOf } from './schema.ts'

/** The SQL expressions that have the texts of a line. */
export interface LineTexts {
  readonly message: string
  readonly fields: string
  /** Whether a text is in the message, of which `message` may be the beginning only: `isIn` is what to ask of each piece. */
  readonly holds: (isIn: (text: string) => string) => string
}

/** An expression as SQL. */
export interface Where {
  /** Whether `message` and `fields` must be whole. */
  readonly needsWhole: boolean
  readonly sql: (texts: LineTexts) => string
}

/** The text of the value that `rest` begins with; half a surrogate pair, which makes JSON fail, is no text. */
const VALUE =
  "CASE WHEN rest = '' THEN NULL " +
  "WHEN NOT starts_with(rest, '\"') THEN nullif(split_part(split_part(rest, ',', 1), '}', 1), 'null') " +
  "WHEN NOT contains(split_part(rest, '\"', 2), '\\') THEN split_part(rest, '\"', 2) " +
  String.raw`ELSE TRY(json_extract_string(regexp_extract(rest, '^"(?:[^"\\]|\\.)*"'), '$')) END`
const NUMBER = String.raw`-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?`
const NO_LINE: Line = { stream: NO_STREAM, source: 'stdout', level: '', message: '', fields: '' }

/** Makes an expression SQL about lines of the streams, which are numbered by their place. It says what server/query/matches.ts says. */
export function whereOf(expression: Expression, streams: readonly LogStream[]): Where {
  return { needsWhole: needsWhole(expression), sql: (texts) => toSql(expression, streams, texts) }
}

/** Throws SWARMLOGS_USAGE when a regex is none that DuckDB can use. */
export async function checkRegexes(expression: Expression, reader: Reader): Promise<void> {
  const checks = regexesIn(expression).map((regex) => `regexp_matches('', ${regex})`)
  if (checks.length === 0) return
  try {
    await reader.use((connection) => connection.run(`SELECT ${checks.join(', ')}`))
  } catch (error) {
    if (!messageOf(error).startsWith('Invalid Input Error')) throw error
    const message = `cannot use a regex of the query: ${messageOf(error).replace(/^.*?Error: /, '')}; write it in another way`
    throw new SwarmlogsError('SWARMLOGS_USAGE', message, { cause: error })
  }
}

function needsWhole(expression: Expression): boolean {
  if (expression.op === 'all' || expression.op === 'text') return false
  if (expression.op === 'not') return needsWhole(expression.of)
  if ('of' in expression) return expression.of.some(needsWhole)
  const { kind, name } = expression.field
  return kind === 'field' || (name === 'message' && expression.op !== 'exists')
}

function regexesIn(expression: Expression): string[] {
  if (expression.op === 'not') return regexesIn(expression.of)
  if (expression.op === 'and' || expression.op === 'or') return expression.of.flatMap(regexesIn)
  return expression.op === 'regex' && !isOfStream(expression.field) ? [regexText(expression)] : []
}

function toSql(expression: Expression, streams: readonly LogStream[], texts: LineTexts): string {
  switch (expression.op) {
    case 'all':
      return 'true'
    case 'and':
      return combine(expression.of, 'AND', (one) => toSql(one, streams, texts))
    case 'or':
      return combine(expression.of, 'OR', (one) => toSql(one, streams, texts))
    case 'not':
      return negated(toSql(expression.of, streams, texts))
    default:
      return conditionSql(expression, streams, texts)
  }
}

/** Leaves out what decides nothing, so that only what depends on the line is asked of it. */
function combine(of: readonly Expression[], sign: 'AND' | 'OR', sqlOf: (one: Expression) => string): string {
  const [neutral, decisive] = sign === 'AND' ? ['true', 'false'] : ['false', 'true']
  const members = of.map(sqlOf).filter((sql) => sql !== neutral)
  if (members.includes(decisive)) return decisive
  return members.length === 0 ? neutral : `(${members.join(` ${sign} `)})`
}

function negated(sql: string): string {
  if (sql === 'true' || sql === 'false') return sql === 'true' ? 'false' : 'true'
  return `(NOT ${sql})`
}

function conditionSql(condition: Condition, streams: readonly LogStream[], texts: LineTexts): string {
  const field = fieldOf(condition)
  const { line, stream } = matcherOf(condition)
  if (isOfStream(field)) {
    return choice(
      'c.idx',
      streams.map((one, index) => ({ code: index, isWanted: stream(one) === true })),
    )
  }
  if (field.kind === 'field') return fieldSql(condition, field.name, texts.fields)
  if (field.name === 'source') {
    return choice(
      'l.source',
      [0, 1].map((code) => ({ code, isWanted: line({ ...NO_LINE, source: sourceOf(code) }) })),
    )
  }
  if (field.name === 'level') {
    const codes = LEVELS.map((level) => ({ code: levelCode(level), isWanted: line({ ...NO_LINE, level }) }))
    return choice('l.level', [{ code: 0, isWanted: false }, ...codes])
  }
  return messageSql(condition, texts)
}

/** Whether a number is among those wanted. */
function choice(column: string, codes: readonly { readonly code: number; readonly isWanted: boolean }[]): string {
  const wanted = codes.filter(({ isWanted }) => isWanted)
  if (wanted.length === 0) return 'false'
  if (wanted.length === codes.length) return 'true'
  const [list, sign] =
    wanted.length * 2 <= codes.length ? [wanted, 'IN'] : [codes.filter(({ isWanted }) => !isWanted), 'NOT IN']
  return `(${column} ${sign} (${list.map(({ code }) => code).join(', ')}))`
}

function messageSql(condition: Condition, { message, holds }: LineTexts): string {
  if (condition.op === 'text') {
    const { text, isExact } = condition
    return holds((piece) =>
      isExact ? `contains(${piece}, ${literal(text)})` : `contains(lower(${piece}), ${literal(lower(text))})`,
    )
  }
  return condition.op === 'exists' ? `(${message} <> '')` : textSql(condition, message)
}

/**
 * DuckDB would work out each mention of an expression anew, a parameter of a lambda only once. Its JSON functions are quick, but write numbers
 * that are no integers in their own way, fail at half a surrogate pair, and pass over white space: then the value is cut out of the text, as
 * server/query/field-text.ts does.
 */
function fieldSql(condition: Condition, name: string, fields: string): string {
  const key = `${JSON.stringify(name)}:`
  const path = literal(`/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`)
  const quick = `json_extract_string(${fields}, ${path})`
  const isNumber = condition.op === 'compare' && typeof condition.value === 'number'
  const text = isNumber ? quick : `CASE WHEN json_type(${fields}, ${path}) IN ('VARCHAR', 'UBIGINT') THEN ${quick} END`
  // The first member has a brace before it.
  const rest = `split_part(',' || ${fields}[2:], ${literal(`,${key}`)}, 2)`
  const careful = `list_transform([${rest}], lambda rest: ${VALUE})[1]`
  const isThere = `(starts_with(${fields}, ${literal(`{${key}`)}) OR contains(${fields}, ${literal(`,${key}`)}))`
  const compact = `CASE WHEN NOT contains(${fields}, ${literal(`${key} `)}) THEN TRY(${text}) END`
  const value = `CASE WHEN ${isThere} THEN coalesce(${compact}, ${careful}) END`
  return `coalesce(list_transform([${value}], lambda value: ${textSql(condition, 'value')})[1], false)`
}

/** What a condition asks of a text. */
function textSql(condition: Condition, text: string): string {
  switch (condition.op) {
    case 'text':
      throw new Error('BUG: of a message, not of a text')
    case 'exists':
      return `(${text} IS NOT NULL)`
    case 'regex':
      return `regexp_matches(${text}, ${regexText(condition)})`
    case 'glob':
      return `(lower(${text}) LIKE ${literal(likeOf(condition.pattern))} ESCAPE '\\')`
    case 'compare':
      return compareSql(condition, text)
  }
}

function compareSql({ by, value, isExact }: Extract<Condition, { op: 'compare' }>, text: string): string {
  if (typeof value === 'string') {
    return by === '=' && !isExact ? `(lower(${text}) = ${literal(lower(value))})` : `(${text} ${by} ${literal(value)})`
  }
  const number = `try_cast(${text} AS DOUBLE)`
  return `(regexp_full_match(${text}, ${literal(NUMBER)}) AND isfinite(${number}) AND ${number} ${by} ${value}::DOUBLE)`
}

function likeOf(pattern: string): string {
  const parts = patternParts(pattern).map((part) => {
    if (part.kind === 'text') return lower(part.text).replaceAll(/[%_\\]/g, '\\$&')
    return part.kind === 'any' ? '%' : '_'
  })
  return parts.join('')
}

function regexText({ source, isInsensitive }: { readonly source: string; readonly isInsensitive: boolean }): string {
  // Its RE2 knows names of groups in the older form only. What stands behind a backslash or in a class begins no group.
  const plain = source.replaceAll(/\\.|\[\^?\]?(?:\\.|\[:[^\]]*:\]|[^\]\\])*\]|\(\?</gsu, (part) =>
    part === '(?<' ? '(?P<' : part,
  )
  return literal(isInsensitive ? `(?i)${plain}` : plain)
}

/** A text as SQL takes it, whatever is in it. */
function literal(text: string): string {
  const parts = text.split('\0').map(quoteText)
  return parts.length === 1 ? quoteText(text) : `(${parts.join(' || chr(0) || ')})`
}
