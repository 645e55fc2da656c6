import type { ApiValues } from '../../shared/api/analysis.ts'
import type { Flags } from '../../shared/settings.ts'
import type { CommandSpec } from '../command.ts'
import { EVENTS_FLAG } from '../flags.ts'
import { sayExamined } from '../output/examined.ts'
import { say } from '../output/say.ts'
import { printTable } from '../output/table.ts'
import { countHeading } from '../output/unit.ts'
import { askScope, readScope, SCOPE_FLAGS } from '../scope.ts'

const EXAMPLES = `
Shows which values a field has, the most frequent first. FIELD comes first; then
services and tasks, and what their lines must have.

Examples:
  swarmlogs values status web --since 2h     of the field status in one service's lines
  swarmlogs values service 'level>=error'    which services have errors
  swarmlogs values node --events KeyError    on which nodes; a traceback counts once
  swarmlogs values user.id -n 100 -o json`

/** The command `values`. */
export const values: CommandSpec = {
  operand: { form: '<FIELD> [TARGET|QUERY...]', text: 'field; then which lines' },
  flags: [
    { flags: '-n, --limit <N>', text: 'so many values', default: '20' },
    { flags: '--prefix <TEXT>', text: 'only values that begin like this' },
    EVENTS_FLAG,
    ...SCOPE_FLAGS,
  ],
  help: EXAMPLES,
  run,
}

async function run([field = '', ...operands]: readonly string[], flags: Flags): Promise<void> {
  const params = readScope(operands, flags)
  params.set('field', field)
  params.set('limit', String(flags.limit))
  if (flags.prefix !== undefined) params.set('prefix', String(flags.prefix))
  await askScope<ApiValues>('api/v1/values', params, flags, (answer) => {
    printTable(
      ['VALUE', countHeading(flags)],
      answer.values.map(({ value, records }) => [String(value), String(records)]),
    )
    if (answer.more) say('-- there are more values: -n shows more of them')
    sayExamined(answer.examined, flags)
  })
}
