import type { ApiCount } from '../../shared/api/answers.ts'
import type { Flags } from '../../shared/settings.ts'
import type { CommandSpec } from '../command.ts'
import { colourConfig } from '../config.ts'
import { EVENTS_FLAG } from '../flags.ts'
import { MissingNotes } from '../output/missing.ts'
import { askScope, readScope, SCOPE_FLAGS, SCOPE_OPERAND } from '../scope.ts'

const EXAMPLES = `
Prints how many lines a search finds, in the last hour unless --since or --until
say otherwise; on stderr whether some are missing.

Examples:
  swarmlogs count web 'level>=error' --since 1d     errors of one service in a day
  swarmlogs count --events KeyError --since 2h      a stack trace counts once
  swarmlogs count 'status>=500' --since yesterday --until today -o json`

/** The command `count`. */
export const count: CommandSpec = {
  operand: SCOPE_OPERAND,
  flags: [EVENTS_FLAG, ...SCOPE_FLAGS],
  help: EXAMPLES,
  run,
}

async function run(operands: readonly string[], flags: Flags): Promise<void> {
  const notes = new MissingNotes(false, colourConfig(flags))
  await askScope<ApiCount>('api/v1/count', readScope(operands, flags), flags, ({ records, stopped, completeness }) => {
    process.stdout.write(`${records}\n`)
    notes.stopped(stopped)
    notes.verdict(completeness)
  })
}
