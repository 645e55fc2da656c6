import { SwarmlogsError } from '../../shared/errors.ts'
import type { Flags } from '../../shared/settings.ts'
import { Client } from '../client.ts'
import type { CommandSpec } from '../command.ts'
import { clientConfig } from '../config.ts'
import {
  EVENTS_FLAG,
  FILTER_FLAGS,
  FORM_FLAG,
  GREP_FLAG,
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
Finds the lines that the query asks for, of all services, also of those that are
gone; in the last hour, unless --since, --until or -n say otherwise. Several
arguments are one query.

  timeout "connection refused"    lines with both, whatever their case
  "OOM"c /time(d )?out/ con*sed   exactly so; a regex (RE2); any characters between
  level>=warn service:web         labels: cluster service stack task slot node image
                                  container source level message
  status>=500 user.id:42          fields of the line (JSON, logfmt); user.id:* is any
  status:[400 TO 499]             a range; { and } leave the bound out
  -health  a OR b  (a OR b) -c    NOT, OR, groups; all others must hold together

Examples:
  swarmlogs search 'level>=error "connection refused"'   in the last hour
  swarmlogs search timeout --stack shop --since 2d       of a stack, in two days
  swarmlogs search 'service:*_web status>=500' -n 20 -o json
  swarmlogs search --grep 'a (text) as it stands'        no query, just a text
  swarmlogs search --events 'NullPointer Cart.java'      whole stack traces`

/** The command `search`. */
export const search: CommandSpec = {
  operand: { form: '[QUERY...]', text: 'what lines must have; without it all lines that the flags choose' },
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
    GREP_FLAG,
    EVENTS_FLAG,
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
  const q = words.join(' ')
  if (words.length > 0 && q.trim() === '') {
    throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot search for an empty text: give one, or leave it out')
  }
  const flags: QuestionFlags = q === '' ? given : { ...given, q }
  const question = readQuestion(flags, [])
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
