import type { ApiHistogram } from '../../shared/api/answers.ts'
import type { Flags } from '../../shared/settings.ts'
import { formatTime, parseDuration, parseTime } from '../../shared/time.ts'
import type { CommandSpec } from '../command.ts'
import { EVENTS_FLAG } from '../flags.ts'
import { bar, sparkline } from '../output/bars.ts'
import { harmless } from '../output/harmless.ts'
import { say } from '../output/say.ts'
import { askScope, readScope, SCOPE_FLAGS, SCOPE_OPERAND } from '../scope.ts'

const DEFAULT_WIDTH = 80
/** Rows and characters of a line that are drawn at most. */
const MAX_BUCKETS = 1_000
const MAX_NAME = 30

const EXAMPLES = `
Counts lines over time, in the last hour unless --since or --until say otherwise:
a bar for each bucket, or with --by a sparkline for each value.

Examples:
  swarmlogs histogram web --since 2h                       bars of one service
  swarmlogs histogram 'level>=error' --by service          which services have errors, and when
  swarmlogs histogram --events 'level>=error' --since 1d    a stack trace counts once
  swarmlogs histogram --interval 1h --since 7d -o json     numbers for other tools`

/** The command `histogram`. */
export const histogram: CommandSpec = {
  operand: SCOPE_OPERAND,
  flags: [
    { flags: '--interval <DURATION>', text: 'length of a bucket, such as 10s, 5m, 1h (default: some 60 buckets)' },
    { flags: '--by <FIELD>', text: 'apart by level, service, node, source, ...' },
    EVENTS_FLAG,
    ...SCOPE_FLAGS,
  ],
  help: EXAMPLES,
  run,
}

async function run(operands: readonly string[], flags: Flags): Promise<void> {
  const params = readScope(operands, flags)
  for (const name of ['interval', 'by']) if (flags[name] !== undefined) params.set(name, String(flags[name]))
  const width = process.stdout.columns ?? DEFAULT_WIDTH
  await askScope<ApiHistogram>('api/v1/histogram', params, flags, (answer) => {
    if (answer.buckets.length === 0) say('no line found')
    else process.stdout.write(`${(flags.by === undefined ? bars : sparklines)(answer, width).join('\n')}\n`)
  })
}

function bars(answer: ApiHistogram, width: number): string[] {
  const isFine = parseDuration(answer.interval) % 1_000_000_000n !== 0n
  const rows = filled(answer).map(
    ({ start, records }) => [timeText(start) + (isFine ? start.slice(19, 23) : ''), String(records), records] as const,
  )
  const greatest = Math.max(...rows.map(([, , records]) => records))
  const digits = String(greatest).length
  const room = Math.max(1, width - (isFine ? 23 : 19) - digits - 4)
  return rows.map(([time, text, records]) =>
    `${time}  ${text.padStart(digits)}  ${bar(records, greatest, room)}`.trimEnd(),
  )
}

function sparklines(answer: ApiHistogram, width: number): string[] {
  const buckets = filled(answer)
  const totals = new Map<string, number>()
  for (const { counts = {} } of buckets)
    for (const [name, count] of Object.entries(counts)) totals.set(name, (totals.get(name) ?? 0) + count)
  const names = [...totals].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([name]) => name)
  // An older server leaves out names with a line break.
  if (names.length === 0) return bars(answer, width)
  const shownNames = names.map((name) => harmless(name || '(none)').slice(0, MAX_NAME))
  const nameWidth = Math.max(...shownNames.map((name) => name.length))
  const digits = String(Math.max(...totals.values())).length
  const room = Math.max(1, width - nameWidth - digits - 4)
  const groups = grouped(buckets, room)
  const first = buckets[0]?.start ?? ''
  const heading = `${timeText(first)} on, ${answer.interval} each${groups.size > 1 ? ` (${groups.size} in one)` : ''}`
  const lines = names.map((name, index) => {
    const values = groups.lists.map((list) => list.reduce((sum, { counts = {} }) => sum + (counts[name] ?? 0), 0))
    return `${(shownNames[index] ?? '').padEnd(nameWidth)}  ${String(totals.get(name)).padStart(digits)}  ${sparkline(values)}`.trimEnd()
  })
  return [heading, ...lines]
}

/** Buckets beside each other in groups, as many as there is room for. */
function grouped<T>(buckets: readonly T[], room: number): { size: number; lists: readonly (readonly T[])[] } {
  const size = Math.ceil(buckets.length / room)
  const lists = Array.from({ length: Math.ceil(buckets.length / size) }, (_, i) =>
    buckets.slice(i * size, (i + 1) * size),
  )
  return { size, lists }
}

/** The buckets, with those that are empty. */
function filled({ interval, buckets }: ApiHistogram): ApiHistogram['buckets'] {
  const step = parseDuration(interval)
  const byTime = new Map(buckets.map((bucket) => [bucket.start, bucket]))
  const all: ApiHistogram['buckets'] = []
  const [from, to] = [nanosOf(buckets[0]?.start), nanosOf(buckets.at(-1)?.start)]
  for (let time = from; time <= to && all.length < MAX_BUCKETS; time += step) {
    const start = formatTime(time)
    all.push(byTime.get(start) ?? { start, records: 0 })
  }
  return all
}

function nanosOf(time = ''): bigint {
  return parseTime(time, 0n, 'UTC')
}

/** As the clock on the wall has it, to the second. */
function timeText(time: string): string {
  const date = new Date(time)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`
}
