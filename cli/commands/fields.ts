import type { ApiFields } from '../../shared/api/analysis.ts'
import type { Flags } from '../../shared/settings.ts'
import type { CommandSpec } from '../command.ts'
import { EVENTS_FLAG } from '../flags.ts'
import { sayExamined } from '../output/examined.ts'
import { printTable } from '../output/table.ts'
import { countHeading } from '../output/unit.ts'
import { askScope, readScope, SCOPE_FLAGS, SCOPE_OPERAND } from '../scope.ts'

const EXAMPLES = `
Lists what lines can be asked for by: labels, and fields that were found in lines,
with how many lines have them.

Examples:
  swarmlogs fields                       of all lines in the last hour
  swarmlogs fields web 'level>=error'    of some
  swarmlogs fields --prefix user. -o json`

/** The command `fields`. */
export const fields: CommandSpec = {
  operand: SCOPE_OPERAND,
  flags: [{ flags: '--prefix <TEXT>', text: 'only fields whose names begin like this' }, EVENTS_FLAG, ...SCOPE_FLAGS],
  help: EXAMPLES,
  run,
}

async function run(operands: readonly string[], flags: Flags): Promise<void> {
  const params = readScope(operands, flags)
  if (flags.prefix !== undefined) params.set('prefix', String(flags.prefix))
  await askScope<ApiFields>('api/v1/fields', params, flags, (answer) => {
    const rows = answer.fields.map(({ name, kind, records, types }) => [name, kind, types.join(', '), String(records)])
    printTable(['FIELD', 'KIND', 'TYPES', countHeading(flags)], rows)
    sayExamined(answer.examined, flags)
  })
}
