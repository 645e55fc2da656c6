import { setTimeout as sleep } from 'node:timers/promises'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { Flags } from '../../shared/settings.ts'
import { parseDuration } from '../../shared/time.ts'
import { Client } from '../client.ts'
import type { CommandSpec } from '../command.ts'
import { clientConfig } from '../config.ts'
import { FILTER_FLAGS, SERVER_FLAGS } from '../flags.ts'
import { splitOperands } from '../operands.ts'
import { harmless } from '../output/harmless.ts'
import { isSort, ranked, SORTS, topTable } from '../output/top-table.ts'
import { readQuestion } from '../question.ts'
import { SCOPE_OPERAND } from '../scope.ts'
import { readServiceCounts } from '../service-counts.ts'

const REFRESH_MS = 2_000
const DEFAULT_WIDTH = 80
const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'

const EXAMPLES = `
Shows which services print most in the last minute, how many of their lines are
errors, how both changed against the minute before, and how many bytes that is (~: from
the length of the newest lines); anew every two seconds on a terminal, else once.
Ctrl-C ends it.

Examples:
  swarmlogs top                        all services
  swarmlogs top --sort errors --window 5m 'stack:shop'
  swarmlogs top --once --node node1    one table, for scripts`

/** The command `top`. */
export const top: CommandSpec = {
  operand: SCOPE_OPERAND,
  flags: [
    { flags: '--window <DURATION>', text: 'how long back to count', default: '1m' },
    { flags: '--sort <COLUMN>', text: 'lines, errors, bytes or change', default: 'lines' },
    { flags: '--once', text: 'one table' },
    ...FILTER_FLAGS,
    ...SERVER_FLAGS,
  ],
  help: EXAMPLES,
  run,
}

async function run(operands: readonly string[], flags: Flags): Promise<void> {
  const sort = String(flags.sort)
  if (!isSort(sort)) throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot sort by '${sort}': give ${SORTS.join(', ')}`)
  const seconds = Number(parseDuration(String(flags.window)) / 1_000_000_000n)
  if (seconds < 1)
    throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot count in under a second: give a --window such as 1m')
  const client = new Client(clientConfig(flags))
  const { targets, q } = splitOperands(operands)
  const table = async (width: number, height: number): Promise<string> => {
    const { params } = readQuestion({ ...flags, ...(q !== undefined && { q }), output: 'json' }, targets)
    const counts = await readServiceCounts(client, params, seconds)
    return topTable(ranked(counts, sort), { seconds, width, height }).join('\n')
  }
  const { isTTY, columns = DEFAULT_WIDTH } = process.stdout
  if (!isTTY || flags.once === true) process.stdout.write(`${await table(columns, Number.POSITIVE_INFINITY)}\n`)
  else await live(table)
}

/** Shows tables until Ctrl-C. A server that goes away for a while is waited for, its last numbers in sight. */
async function live(table: (width: number, height: number) => Promise<string>): Promise<void> {
  // However it ends, the terminal is as before.
  process.once('exit', () => process.stdout.write(LEAVE))
  process.once('SIGTERM', () => process.exit(143))
  process.once('SIGHUP', () => process.exit(129))
  let shown = await table(...sizeOf(process.stdout))
  process.stdout.write(ENTER)
  for (;;) {
    process.stdout.write(`\x1b[H\x1b[2J${shown}`)
    await sleep(REFRESH_MS)
    try {
      shown = await table(...sizeOf(process.stdout))
    } catch (error) {
      if (!(error instanceof SwarmlogsError)) throw error
      shown = withNote(shown, `cannot count now, trying again: ${error.message}`)
    }
  }
}

/** Room for the table: the last row is for a note. */
function sizeOf({ columns, rows }: NodeJS.WriteStream): [width: number, height: number] {
  return [columns, rows - 1]
}

/** The numbers as they were, with what is wrong below them. */
function withNote(table: string, note: string): string {
  const { columns, rows } = process.stdout
  const lines = table.split('\n').slice(0, rows - 1)
  return [...lines.filter((line) => !line.startsWith('-- ')), harmless(`-- ${note}`).slice(0, columns)].join('\n')
}
