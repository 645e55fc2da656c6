import fc from 'fast-check'
import { Continuation } from '../../../server/events/continuation.ts'
import { parseLine } from '../../../server/parse/line.ts'
import { compileRegex } from '../../../shared/query/regex.ts'
import { comparePositions, LEVELS, type LogRecord, positionOf } from '../../../shared/record.ts'
import { API, NOON, recordOf, streamOf, WEB } from '../store/records.ts'

const MS = 1_000_000n
/** Says how its events begin. */
const OWN = streamOf('own', { multiline: '^(?:one|two)$' })
const MESSAGES = [
  ...['one', ' indented', '\tat x', 'ERROR no', 'java.io.IOException: gone', 'Caused by: two', 'KeyError: x', ''],
  ...['Traceback (most recent call last):', 'panic: no', 'goroutine 1 [running]:', '}', 'two'],
  ...[' level=warn status=500 ms=1.5', '  user=u1 status=404', 'one status=200 user="a b"', ' ms=slow user=u2'],
  ...['{"status":500,"ms":2,"user":null}', '  {"ms":7.5,"user":"u1","ok":true}'],
]

/** A line as it is drawn, and how long after the one before it comes. */
export interface Drawn extends Pick<LogRecord, 'stream' | 'source' | 'message'> {
  readonly pauseMs: number
}

/** The lines of a log. */
export const drawnLines = fc.array(
  fc.record({
    stream: fc.constantFrom(WEB, API, OWN),
    source: fc.constantFrom('stdout' as const, 'stderr' as const),
    message: fc.constantFrom(...MESSAGES),
    // No output goes on for longer than an event may, but it may stop for longer.
    pauseMs: fc.constantFrom(0, 1, 30, 60, 20_000),
  }),
  { maxLength: 60, size: 'max' },
)

/** The lines with the times, and the ordinals, that make them a log. */
export function recordsOf(drawn: readonly Drawn[]): LogRecord[] {
  let time = NOON
  return drawn.map(({ pauseMs, ...line }, ordinal) => {
    time += BigInt(pauseMs) * MS
    return recordOf(line.stream, { ...line, time, ordinal, ...parseLine(line.message) })
  })
}

/** An event as one who groups the whole log has it. */
export interface PlainEvent extends LogRecord {
  readonly lines: readonly LogRecord[]
}

/** All events, made of each output by itself. */
export function plainEvents(all: readonly LogRecord[]): PlainEvent[] {
  const outputs = Object.values(Object.groupBy(all, ({ stream, source }) => stream.containerId + source))
  return outputs
    .flatMap((output = []) => groupsOf(output).flatMap(eventOf))
    .sort((a, b) => comparePositions(positionOf(a), positionOf(b)))
}

function groupsOf(output: readonly LogRecord[]): LogRecord[][] {
  const events: LogRecord[][] = []
  const begun = () => {
    const { multiline } = output[0]?.stream ?? {}
    return new Continuation(multiline === undefined ? undefined : compileRegex(multiline, false))
  }
  let continuation = begun()
  for (const line of output) {
    const start = events.at(-1)?.[0]
    const isLate = start !== undefined && line.time - start.time > 5_000n * MS
    if (isLate) continuation = begun()
    if (continuation.continues(line) && start !== undefined && !isLate) events.at(-1)?.push(line)
    else events.push([line])
  }
  return events
}

function eventOf(lines: readonly LogRecord[]): PlainEvent[] {
  const level = LEVELS.findLast((one) => lines.some((line) => line.level === one)) ?? ('' as const)
  const said = lines.flatMap(({ fields }) => (fields === '' ? [] : Object.entries(JSON.parse(fields) as object)))
  // What is null in one line may be said by another.
  const ordered = [
    ...said.filter(([, value]) => value === null),
    ...said.filter(([, value]) => value !== null).reverse(),
  ]
  const fields = said.length === 0 ? '' : JSON.stringify(Object.fromEntries(ordered))
  const message = lines.map((one) => one.message).join('\n')
  return lines.slice(0, 1).map((first) => ({ ...first, level, fields, message, lines }))
}
