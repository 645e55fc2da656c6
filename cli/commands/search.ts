import { SwarmlogsError } from '../../shared/errors.ts'
import type { Flags } from '../../shared/settings.ts'
import { Client } from '../client.ts'
import type { CommandSpec } from '../command.ts'
import { clientConfig } from '../config.ts'
import {
  FILTER_FLAGS,
  FORM_FLAG,
  MATCH_FLAGS,
  PRINT_FLAGS,
  RANGE_FLAGS,
  SERVER_FLAGS,
  SHOW_FLAGS,
  STRICT_FLAG,
} from '../flags.ts'
import { say } from '../output/say.ts'
import { ask, printAnswer } from '../print.ts'
import { type QuestionFlags, readQuestion } from '../question.ts'
import { openOutput } from '../show.ts'

const DEFAULT_SINCE = '1h'

const EXAMPLES = `
Finds the lines that hold TEXT, whatever its case, of all services, also of those
that are gone; in the last hour, unless --since, --until or -n say otherwise.
Several words are one text with single spaces between them.

Examples:
  swarmlogs search "connection refused"                  in the last hour
  swarmlogs search timeout --stack shop --since 2d       of a stack, in two days
  swarmlogs search 500 --service "*_web" -n 20 -o json   the newest 20 as JSON`

/** The command `search`. */
export const search: CommandSpec = {
  operand: { form: '[TEXT...]', text: 'text to look for; without it all lines that the flags choose' },
  flags: [
    { flags: '-n, --tail <N>', text: 'only the newest N lines, or all' },
    ...RANGE_FLAGS,
    { flags: '--order <ORDER>', text: 'asc (oldest first, the default) or desc' },
    { flags: '--service <NAME>', text: 'only of these services (name, glob; repeatable)', isRepeatable: true },
    {
      flags: '--task <TASK>',
      text: 'only of these tasks (web.1, id, prefix of an id; repeatable)',
      isRepeatable: true,
    },
    {
      flags: '--container <NAME>',
      text: 'only of these containers (name, id, prefix of an id, glob; repeatable)',
      isRepeatable: true,
    },
    ...FILTER_FLAGS,
    ...MATCH_FLAGS,
    ...PRINT_FLAGS,
    ...SHOW_FLAGS,
    FORM_FLAG,
    STRICT_FLAG,
    ...SERVER_FLAGS,
  ],
  help: EXAMPLES,
  run,
}

async function run(words: readonly string[], given: Flags): Promise<void> {
  const flags: QuestionFlags = given
  const text = words.join(' ')
  if (words.length > 0 && text.trim() === '') {
    throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot search for an empty text: give one, or leave it out')
  }
  const question = readQuestion({ ...flags, ...(text !== '' && { grep: text }) }, [])
  const { form, params, count } = question
  if (typeof count === 'number') params.set('n', String(count))
  const isDefault = count === undefined && flags.since === undefined && flags.until === undefined
  if (isDefault) params.set('since', DEFAULT_SINCE)
  const client = new Client(clientConfig(flags))
  const output = await openOutput(flags, question, false)
  const response = await ask(client, form, params)
  if (isDefault) say('the last hour; --since and -n look further back')
  await printAnswer(client, form, response, output, [])
  if (!output.printer.hasPrinted) say('no line found')
}
