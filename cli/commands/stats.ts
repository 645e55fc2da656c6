import type { ApiStats } from '../../shared/api/analysis.ts'
import type { Flags } from '../../shared/settings.ts'
import type { CommandSpec } from '../command.ts'
import { EVENTS_FLAG } from '../flags.ts'
import { counted } from '../output/counted.ts'
import { sayExamined } from '../output/examined.ts'
import { say } from '../output/say.ts'
import { printTable } from '../output/table.ts'
import { unitOf } from '../output/unit.ts'
import { askScope, readScope, SCOPE_FLAGS } from '../scope.ts'

/** Of what is not whole, in figures. */
const PRECISION = 6

const EXAMPLES = `
Reckons with the numbers in a field of the lines, or with their lengths
(message.bytes): sum, average, ends and quantiles. FIELD comes first; then
services and tasks, and what their lines must have.

Examples:
  swarmlogs stats duration_ms web --since 2h              how long requests took
  swarmlogs stats duration_ms --by service --by status    apart for each of both
  swarmlogs stats message.bytes web --interval 5m         how much it prints, over time
  swarmlogs stats duration_ms --quantile 0.999 -o json    numbers for other tools`

type Group = ApiStats['groups'][number]

/** The command `stats`. */
export const stats: CommandSpec = {
  operand: { form: '<FIELD> [TARGET|QUERY...]', text: 'field with numbers; then which lines' },
  flags: [
    {
      flags: '--by <FIELD>',
      text: 'apart by level, service, node, ... or a field (repeatable, up to three)',
      isRepeatable: true,
    },
    { flags: '--interval <DURATION>', text: 'apart for each so long, such as 10s, 5m, 1h' },
    {
      flags: '--quantile <SHARE>',
      text: 'from 0 to 1 (repeatable; default 0.5, 0.9, 0.95, 0.99)',
      isRepeatable: true,
    },
    EVENTS_FLAG,
    ...SCOPE_FLAGS,
  ],
  help: EXAMPLES,
  run,
}

async function run([field = '', ...operands]: readonly string[], flags: Flags): Promise<void> {
  const params = readScope(operands, flags)
  params.set('field', field)
  for (const name of ['by', 'quantile'])
    for (const value of [flags[name] ?? []].flat()) params.append(name, String(value))
  if (flags.interval !== undefined) params.set('interval', String(flags.interval))
  await askScope<ApiStats>('api/v1/stats', params, flags, ({ groups, skipped, examined }) => {
    if (groups.length === 0) say('no number found')
    else printGroups(groups)
    if (skipped > 0) say(`-- ${counted(skipped, unitOf(flags))} left out: no number in the field`)
    sayExamined(examined, flags)
  })
}

function printGroups(groups: readonly Group[]): void {
  const [first] = groups
  const names = Object.keys(first?.by ?? {})
  // An object has its members in another order when their names are whole numbers, 0 and 1 here.
  const shares = Object.keys(first?.quantiles ?? {}).sort((a, b) => Number(a) - Number(b))
  const hasTime = first?.start !== undefined
  printTable(
    [
      ...(hasTime ? ['TIME'] : []),
      ...names.map((name) => name.toUpperCase()),
      ...['COUNT', 'SUM', 'AVG', 'MIN', ...shares.map((share) => `P${numberText(Number(share) * 100)}`), 'MAX'],
    ],
    groups.map(({ start = '', by, count, sum, avg, min, max, quantiles }) => [
      ...(hasTime ? [start] : []),
      ...names.map((name) => String(by[name] ?? '')),
      ...[count, sum, avg, min, ...shares.map((share) => quantiles[share] ?? Number.NaN), max].map(numberText),
    ]),
  )
}

function numberText(value: number): string {
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(PRECISION)))
}
