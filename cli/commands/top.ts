import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiHistogram } from '../../shared/api.ts'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { Flags } from '../../shared/settings.ts'
import { parseDuration } from '../../shared/time.ts'
import { Client } from '../client.ts'
import type { CommandSpec } from '../command.ts'
import { clientConfig } from '../config.ts'
import { FILTER_FLAGS, SERVER_FLAGS } from '../flags.ts'
import { joinQueries, splitOperands } from '../operands.ts'
import { ranked, type ServiceCounts, topTable } from '../output/top-table.ts'
import { readQuestion } from '../question.ts'
import { SCOPE_OPERAND } from '../scope.ts'

const REFRESH_MS = 2_000
const DEFAULT_WIDTH = 80
/** Longer than any window: all of it is one bucket, or two where one ends amid it. */
const WHOLE = '5200w'
const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'

const EXAMPLES = `
Shows which services print most in the last minute, how many of their lines are
errors, and how both changed against the minute before; anew every two seconds on a
terminal, else once. Ctrl-C ends it.

Examples:
  swarmlogs top                        all services
  swarmlogs top --sort errors --window 5m 'stack:shop'
  swarmlogs top --once --node node1    one table, for scripts`

/** The command `top`. */
export const top: CommandSpec = {
  operand: SCOPE_OPERAND,
  flags: [
    { flags: '--window <DURATION>', text: 'how long back to count', default: '1m' },
    { flags: '--sort <COLUMN>', text: 'lines, errors or change', default: 'lines' },
    { flags: '--once', text: 'one table' },
    ...FILTER_FLAGS,
    ...SERVER_FLAGS,
  ],
  help: EXAMPLES,
  run,
}

async function run(operands: readonly string[], flags: Flags): Promise<void> {
  const sort = String(flags.sort)
  if (sort !== 'lines' && sort !== 'errors' && sort !== 'change') {
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot sort by '${sort}': give lines, errors or change`)
  }
  const seconds = Number(parseDuration(String(flags.window)) / 1_000_000_000n)
  if (seconds < 1)
    throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot count in under a second: give a --window such as 1m')
  const client = new Client(clientConfig(flags))
  const { targets, q } = splitOperands(operands)
  const table = async (width: number, height: number): Promise<string> => {
    const { params } = readQuestion({ ...flags, ...(q !== undefined && { q }), output: 'json' }, targets)
    const counts = await readCounts(client, params, seconds)
    return topTable(ranked(counts, sort), { seconds, width, height }).join('\n')
  }
  const { isTTY, columns = DEFAULT_WIDTH } = process.stdout
  if (!isTTY || flags.once === true) process.stdout.write(`${await table(columns, Number.POSITIVE_INFINITY)}\n`)
  else await live(table)
}

async function live(table: (width: number, height: number) => Promise<string>): Promise<void> {
  // However it ends, the terminal is as before.
  process.once('exit', () => process.stdout.write(LEAVE))
  process.once('SIGTERM', () => process.exit(143))
  process.stdout.write(ENTER)
  for (;;) {
    const { columns, rows } = process.stdout
    process.stdout.write(`\x1b[H\x1b[2J${await table(columns, rows - 1)}`)
    await sleep(REFRESH_MS)
  }
}

/** Lines and errors by service, in the window and in the one before. */
async function readCounts(client: Client, params: URLSearchParams, seconds: number): Promise<ServiceCounts[]> {
  const errors = new URLSearchParams(params)
  errors.set('q', joinQueries([...params.getAll('q'), 'level>=error']))
  const windows = [[seconds, 0] as const, [2 * seconds, seconds] as const]
  const asked = [params, errors].flatMap((one) => windows.map((window) => countBy(client, one, window)))
  const [lines, before, errorLines, errorsBefore] = await Promise.all(asked)
  return [...new Set([...(lines?.keys() ?? []), ...(before?.keys() ?? [])])].map((service) => ({
    ...{ service, lines: lines?.get(service) ?? 0, before: before?.get(service) ?? 0 },
    ...{ errors: errorLines?.get(service) ?? 0, errorsBefore: errorsBefore?.get(service) ?? 0 },
  }))
}

async function countBy(
  client: Client,
  params: URLSearchParams,
  [from, to]: readonly [number, number],
): Promise<Map<string, number>> {
  const range = { since: `${from}s`, until: `${to}s`, by: 'service', interval: WHOLE }
  const asked = new URLSearchParams([...params, ...Object.entries(range)])
  const { answer } = await client.json<ApiHistogram>('api/v1/histogram', asked)
  const counts = new Map<string, number>()
  for (const bucket of answer.buckets)
    for (const [name, count] of Object.entries(bucket.counts ?? {})) counts.set(name, (counts.get(name) ?? 0) + count)
  return counts
}
