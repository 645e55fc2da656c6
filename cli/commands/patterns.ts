import type { ApiPatterns } from '../../shared/api/analysis.ts'
import type { Flags } from '../../shared/settings.ts'
import type { CommandSpec } from '../command.ts'
import { EVENTS_FLAG } from '../flags.ts'
import { sayExamined } from '../output/examined.ts'
import { say } from '../output/say.ts'
import { printTable } from '../output/table.ts'
import { countHeading, unitOf } from '../output/unit.ts'
import { askScope, readScope, SCOPE_FLAGS, SCOPE_OPERAND } from '../scope.ts'

const EXAMPLES = `
Shows what kinds of lines there are: those that differ in numbers, ids, addresses
and the like are one pattern.

Examples:
  swarmlogs patterns web                           of the last hour, the most frequent first
  swarmlogs patterns --new-since 10m --since 1d    what nobody printed before ten minutes ago
  swarmlogs patterns web --since 1h --compare      what grew most against the hour before
  swarmlogs patterns --events 'level>=error'       a stack trace is one, like its first line`

/** The command `patterns`. */
export const patterns: CommandSpec = {
  operand: SCOPE_OPERAND,
  flags: [
    { flags: '-n, --limit <N>', text: 'so many patterns', default: '20' },
    { flags: '--new-since <TIME>', text: 'only those of which no line is from before this time' },
    { flags: '--compare', text: 'with the time before that is as long; what grew most comes first' },
    EVENTS_FLAG,
    ...SCOPE_FLAGS,
  ],
  help: EXAMPLES,
  run,
}

async function run(operands: readonly string[], flags: Flags): Promise<void> {
  const params = readScope(operands, flags)
  params.set('limit', String(flags.limit))
  if (flags.newSince !== undefined) params.set('new_since', String(flags.newSince))
  if (flags.compare === true) params.set('compare', 'true')
  await askScope<ApiPatterns>('api/v1/patterns', params, flags, (answer) => {
    const hasGrowth = flags.compare === true
    const rows = answer.patterns.map(({ pattern, records, share, growth = 1 }) => [
      ...[String(records), `${(share * 100).toFixed(1)} %`, ...(hasGrowth ? [`x${growth.toFixed(1)}`] : []), pattern],
    ])
    printTable([countHeading(flags), 'SHARE', ...(hasGrowth ? ['GROWTH'] : []), 'PATTERN'], rows)
    if (answer.unclustered > 0)
      say(`-- ${answer.unclustered} ${unitOf(flags)}s are in none of these: there are too many patterns`)
    sayExamined(answer.examined, flags)
  })
}
