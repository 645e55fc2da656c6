import { SwarmlogsError } from '../../../shared/errors.ts'
import type { LogRecord, Source } from '../../../shared/record.ts'
import { formatTime, parseTime } from '../../../shared/time.ts'
import { describe, foreignEvent, LINE_KEYS } from '../forward/foreign-event.ts'
import { lineText } from '../forward/line-text.ts'
import type { Value } from '../forward/reader.ts'
import { type Streams, takeLabels } from './labels.ts'

/** Names of a line's time, in the order in which they are tried; the first must be one, the others are taken when they are. */
const TIME_NAMES = ['@timestamp', 'timestamp', 'time', 'ts']
/** RFC 3339, or digits: relative times and durations are no times of lines. */
const TIME = /^(?:\d{4}-\d\d-\d\d.*|\d{9,19}(?:\.\d{1,9})?)$/
/** From these on (1973), numbers are milliseconds, microseconds, nanoseconds since 1970. */
const UNITS = [
  [1e17, 1n],
  [1e14, 1_000n],
  [1e11, 1_000_000n],
] as const
const NS_PER_SECOND = 1_000_000_000
/** Years beyond are no times of lines. */
const MAX_DEPTH = 64

/** What all lines of a body have in common. */
export interface LineContext {
  readonly streams: Streams
  readonly source: Source
  /** The time of lines without one. */
  readonly now: bigint
}

type Json = Record<string, unknown>

/** Makes a record of a line of JSON. Throws a SwarmlogsError, which says what is wrong with it. */
export function recordOfLine(
  text: string,
  place: Pick<LogRecord, 'chunk' | 'ordinal'>,
  context: LineContext,
): LogRecord {
  const line = parse(text)
  const time = takeTime(line) ?? context.now
  const labels = takeLabels(line)
  const hasSource = line.source === 'stdout' || line.source === 'stderr' || isSource(line.stream)
  const iostream = takeSource(line)
  const event = foreignEvent(valuesOf(line), null, true)
  const { message, cutFrom } = lineText(event.line)
  return {
    stream: context.streams.stream(labels),
    source: iostream ?? (hasSource ? event.source : context.source),
    time,
    ...place,
    message,
    cutFrom,
    headMissing: false,
    ...describe(event, message),
  }
}

function parse(text: string): Json {
  let line: unknown
  try {
    line = JSON.parse(text)
  } catch {
    throw wrong('it is no JSON')
  }
  if (typeof line !== 'object' || line === null || Array.isArray(line)) throw wrong('it is no JSON object')
  return line as Json
}

function takeTime(line: Json): bigint | undefined {
  for (const name of TIME_NAMES) {
    const value = line[name]
    if (value === undefined) continue
    const time = timeOf(value)
    if (time === undefined && name === TIME_NAMES[0])
      throw wrong(`its @timestamp ${JSON.stringify(value).slice(0, 100)} is no time such as ${formatTime(0n)}`)
    if (time === undefined) continue
    delete line[name]
    return time
  }
  return undefined
}

function timeOf(value: unknown): bigint | undefined {
  if (typeof value === 'number') return ofNumber(value)
  if (typeof value !== 'string' || !TIME.test(value)) return undefined
  if (/^\d+$/.test(value) && value.length > 10) return ofNumber(Number(value), BigInt(value))
  try {
    return parseTime(value, 0n, 'UTC')
  } catch {
    return undefined
  }
}

function ofNumber(value: number, exact?: bigint): bigint | undefined {
  if (!Number.isFinite(value) || value <= 0 || value >= 9.2e18) return undefined
  for (const [from, unit] of UNITS) {
    if (value >= from) return exact === undefined ? BigInt(Math.round(value)) * unit : exact * unit
  }
  const seconds = Math.floor(value)
  return BigInt(seconds) * BigInt(NS_PER_SECOND) + BigInt(Math.round((value - seconds) * NS_PER_SECOND))
}

function takeSource(line: Json): Source | undefined {
  const value = line['log.iostream']
  if (!isSource(value)) return undefined
  delete line['log.iostream']
  return value
}

function isSource(value: unknown): value is Source {
  return value === 'stdout' || value === 'stderr'
}

/** The line as the forward input knows it: maps, and the bytes of the message. */
function valuesOf(line: Json): Map<string, Value> {
  const values = mapOf(line, 1)
  for (const key of LINE_KEYS) {
    const value = line[key]
    if (typeof value === 'string') values.set(key, Buffer.from(value))
  }
  return values
}

function mapOf(object: Json, depth: number): Map<string, Value> {
  return new Map(Object.entries(object).map(([name, value]) => [name, wireValue(value, depth)]))
}

function wireValue(value: unknown, depth: number): Value {
  if (typeof value !== 'object' || value === null) return value as Value
  if (depth >= MAX_DEPTH) throw wrong(`it is nested more than ${MAX_DEPTH} deep`)
  if (Array.isArray(value)) return value.map((inner) => wireValue(inner, depth + 1))
  return mapOf(value as Json, depth + 1)
}

function wrong(why: string): SwarmlogsError {
  return new SwarmlogsError('SWARMLOGS_USAGE', `cannot take this line: ${why}`)
}
