import type { Flags } from '../../shared/settings.ts'
import { Client } from '../client.ts'
import type { CommandSpec } from '../command.ts'
import { clientConfig } from '../config.ts'
import { checkTargets, countLines } from '../count.ts'
import {
  DIRECT_FLAGS,
  EVENTS_FLAG,
  FOLLOW_FLAG,
  FORM_FLAG,
  MATCH_FLAGS,
  NOTES_FLAG,
  ORDERED_FLAG,
  PRINT_FLAGS,
  RANGE_FLAGS,
  SERVER_FLAGS,
  SHOW_FLAGS,
  STRICT_FLAG,
} from '../flags.ts'
import { joinQueries } from '../operands.ts'
import { say } from '../output/say.ts'
import { ask, printAnswer } from '../print.ts'
import { orDirect } from '../problem.ts'
import { type QuestionFlags, readQuestion } from '../question.ts'
import { openOutput } from '../show.ts'

/** More than so many lines are not what anyone wants to see run through a terminal ... */
const TOO_MANY = 100_000
/** ... so it shows the newest. */
const SHOWN_INSTEAD = 10_000

const EXAMPLES = `
Takes what \`docker service logs\` takes, and prints what it prints, in the order
of time; lines of tasks and services that are gone stay (--current leaves them
out). On a terminal, without -n or --since, the last ${SHOWN_INSTEAD} lines of more than
${TOO_MANY}.

Examples:
  swarmlogs logs web                 all lines of a service
  swarmlogs logs -f -n 20 -t web     20 of each task with times, and what comes
  swarmlogs logs web 'status>=500'   only these lines (see swarmlogs search --help)
  swarmlogs logs --raw --since 2h --until 1h shop_web.1 > hour.log`

type LogsFlags = QuestionFlags & { readonly follow?: boolean; readonly direct?: boolean }

/** The command `logs`. */
export const logs: CommandSpec = {
  operand: { form: '<SERVICE|TASK> [QUERY...]', text: 'service or task; then what its lines must have' },
  flags: [
    FOLLOW_FLAG,
    ORDERED_FLAG,
    NOTES_FLAG,
    { flags: '-n, --tail <N>', text: 'the newest N lines of each task, or events in all (default all)' },
    ...RANGE_FLAGS,
    { flags: '--current', text: 'only tasks that Docker still has' },
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

async function answer([target = '', ...queries]: readonly string[], given: Flags): Promise<void> {
  const flags: LogsFlags = queries.length === 0 ? given : { ...given, q: joinQueries(queries) }
  const question = readQuestion(flags, [target])
  const client = new Client(clientConfig(flags))
  const output = await openOutput(flags, question, flags.follow === true)
  const { form, params, count } = question
  if (flags.direct === true) {
    const { direct } = await import('./direct.ts')
    const newest = typeof count === 'number' ? count : undefined
    return direct(given, { question, newest, perTask: true, follow: flags.follow === true }, output)
  }
  if (typeof count === 'number') {
    params.set('n', String(count))
    // Events are counted over all tasks.
    if (flags.events !== true) params.set('per', 'task')
  }
  const mayShorten = process.stdout.isTTY && count === undefined && flags.since === undefined
  if (mayShorten) await shorten(client, params, target)
  // A tail waits for a name that is not there yet: docker does not.
  else if (flags.follow === true) await checkTargets(client, params)
  if (flags.follow !== true) return printAnswer(client, form, await ask(client, form, params), output, [target])
  const { follow } = await import('../follow.ts')
  // All there is comes first, as docker has it.
  if (!params.has('n') && flags.since === undefined) params.set('since', '0')
  await follow(client, { question, wantsBegins: flags.since !== undefined }, output)
}

/** Asks for the newest lines only, where there are too many. */
async function shorten(client: Client, params: URLSearchParams, target: string): Promise<void> {
  const total = await countLines(client, params, TOO_MANY)
  if (total <= TOO_MANY) return
  const count = Number.isFinite(total) ? total : `more than ${TOO_MANY}`
  say(`${target} has ${count} lines: these are the last ${SHOWN_INSTEAD}; -n all shows all of them`)
  params.set('n', String(SHOWN_INSTEAD))
}
