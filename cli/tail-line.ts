import type { ApiText } from '../shared/api/answers.ts'
import type { ApiAnnotation, ApiGap, ApiRecord } from '../shared/api/record.ts'
import { SwarmlogsError } from '../shared/errors.ts'
import type { Source } from '../shared/record.ts'
import type { Question } from './question.ts'

/** A line, a gap or an annotation of a tail as it is printed. */
export interface TailLine {
  readonly source: Source
  readonly text: string
  /** Where lines are to be put in order: theirs. */
  readonly time: string
}

/** Of the time that each line of a text begins with, and the space behind it. */
const TIME_LENGTH = 31

/** A line as the server sends it, in the form that was asked for. Throws SWARMLOGS_PROTOCOL. */
export function lineOf(data: string, question: Pick<Question, 'form' | 'hasTime' | 'isOrdered'>): TailLine {
  const { form, isOrdered, hasTime } = question
  if (form === 'json') {
    const time = isOrdered ? parse<ApiRecord>(data)['@timestamp'] : ''
    return { source: 'stdout', text: data, time }
  }
  const { source, text } = parse<ApiText>(data)
  if (!isOrdered) return { source, text, time: '' }
  const time = text.slice(0, TIME_LENGTH)
  return { source, text: hasTime ? text : withoutTimes(text), time }
}

/** Each of several lines begins with its time. */
function withoutTimes(text: string): string {
  return text
    .split('\n')
    .map((line) => line.slice(TIME_LENGTH))
    .join('\n')
}

/** An annotation among lines of JSON. */
export function annotationLine(data: string): TailLine {
  return { source: 'stdout', text: `{"annotation":${data}}`, time: parse<ApiAnnotation>(data).at }
}

/** A gap among lines of JSON. */
export function gapLine(data: string): TailLine {
  return { source: 'stdout', text: `{"gap":${data}}`, time: parse<ApiGap>(data).from }
}

/** What an event of the server says. Throws SWARMLOGS_PROTOCOL. */
export function parse<T>(data: string): T {
  try {
    return JSON.parse(data) as T
  } catch (cause) {
    throw new SwarmlogsError('SWARMLOGS_PROTOCOL', 'cannot read an event of the server: it is no JSON', { cause })
  }
}
