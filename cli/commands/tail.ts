import type { Flags } from '../../shared/settings.ts'
import { Client } from '../client.ts'
import type { CommandSpec } from '../command.ts'
import { clientConfig } from '../config.ts'
import {
  DIRECT_FLAGS,
  EVENTS_FLAG,
  FILTER_FLAGS,
  FOLLOW_FLAG,
  FORM_FLAG,
  GREP_FLAG,
  MATCH_FLAGS,
  NOTES_FLAG,
  ORDERED_FLAG,
  PRINT_FLAGS,
  RANGE_FLAGS,
  SERVER_FLAGS,
  SHOW_FLAGS,
  STRICT_FLAG,
} from '../flags.ts'
import { splitOperands } from '../operands.ts'
import { say } from '../output/say.ts'
import { ask, printAnswer } from '../print.ts'
import { orDirect } from '../problem.ts'
import { type QuestionFlags, readQuestion } from '../question.ts'
import { openOutput } from '../show.ts'

const DEFAULT_COUNT = 100

const EXAMPLES = `
TARGET is a service (name, id, prefix of an id, glob), or a task (web.1, id,
prefix of an id). web means the service web, else every *_web. Without TARGET:
everything.

QUERY is what has a space or one of ":=<>()/ in it; \`swarmlogs search --help\`
has more about queries.

Examples:
  swarmlogs tail web --since 10m             what web printed in ten minutes
  swarmlogs tail -f web 'level>=warn'        its warnings and errors, as they come
  swarmlogs tail -f web api --grep timeout   lines of two that hold "timeout"
  swarmlogs tail web.2 -n 1000 -o json       of one task, as JSON records`

type TailFlags = QuestionFlags & { readonly follow?: boolean; readonly direct?: boolean }

/** The command `tail`. */
export const tail: CommandSpec = {
  operand: { form: '[TARGET|QUERY...]', text: 'services and tasks, and what their lines must have' },
  flags: [
    FOLLOW_FLAG,
    ORDERED_FLAG,
    NOTES_FLAG,
    { flags: '-n, --tail <N>', text: `the newest N lines in total, or all (default ${DEFAULT_COUNT} without --since)` },
    ...RANGE_FLAGS,
    ...FILTER_FLAGS,
    {
      flags: '--slot <SLOT>',
      text: 'a slot, such as web.3, across all its tasks and nodes (repeatable)',
      isRepeatable: true,
    },
    GREP_FLAG,
    EVENTS_FLAG,
    ...MATCH_FLAGS,
    ...PRINT_FLAGS,
    ...SHOW_FLAGS,
    FORM_FLAG,
    ...DIRECT_FLAGS,
    STRICT_FLAG,
    ...SERVER_FLAGS,
  ],
  help: EXAMPLES,
  run,
}

function run(operands: readonly string[], flags: Flags): Promise<void> {
  return answer(operands, flags).catch(orDirect)
}

async function answer(operands: readonly string[], given: Flags): Promise<void> {
  const { targets, ...query } = splitOperands(operands)
  const flags: TailFlags = { ...given, ...query }
  const question = readQuestion(flags, targets)
  const { form, params, count } = question
  const sayDefault = () => isDefault && say(`the last ${DEFAULT_COUNT} lines; -n or --since show more`)
  const client = new Client(clientConfig(flags))
  const output = await openOutput(flags, question, flags.follow === true)
  const isDefault = count === undefined && flags.since === undefined
  if (flags.direct === true) {
    const { direct } = await import('./direct.ts')
    const newest = isDefault ? DEFAULT_COUNT : typeof count === 'number' ? count : undefined
    if (isDefault) sayDefault()
    return direct(given, { question, newest, perTask: false, follow: flags.follow === true }, output)
  }
  if (isDefault) params.set('n', String(DEFAULT_COUNT))
  else if (typeof count === 'number') params.set('n', String(count))
  if (flags.follow !== true) {
    const response = await ask(client, form, params)
    sayDefault()
    return printAnswer(client, form, response, output, targets)
  }
  sayDefault()
  const { follow } = await import('../follow.ts')
  // History is only sent where it is asked for.
  if (count === 'all' && flags.since === undefined) params.set('since', '0')
  await follow(client, { question, wantsBegins: flags.since !== undefined }, output)
}
