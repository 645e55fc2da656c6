import type { Flags } from '../shared/settings.ts'
import { Client } from './client.ts'
import type { FlagSpec } from './command.ts'
import { clientConfig } from './config.ts'
import { FILTER_FLAGS, GREP_FLAG, LEVEL_FLAG, LIST_FLAG, RANGE_FLAGS, SERVER_FLAGS } from './flags.ts'
import { listForm } from './list.ts'
import { splitOperands } from './operands.ts'
import { say } from './output/say.ts'
import { readQuestion } from './question.ts'

const DEFAULT_SINCE = '1h'

/** What commands that look at many lines at once take to say which. */
export const SCOPE_OPERAND = {
  form: '[TARGET|QUERY...]',
  text: 'services and tasks, and what their lines must have',
} as const

/** Flags that say which lines, and how the answer is printed. */
export const SCOPE_FLAGS: readonly FlagSpec[] = [
  ...RANGE_FLAGS,
  ...FILTER_FLAGS,
  GREP_FLAG,
  LEVEL_FLAG,
  LIST_FLAG,
  ...SERVER_FLAGS,
]

/** The API's parameters for which lines; in the last hour, unless the flags say otherwise. Throws SWARMLOGS_USAGE. */
export function readScope(operands: readonly string[], flags: Flags): URLSearchParams {
  const { targets, ...query } = splitOperands(operands)
  const { params } = readQuestion({ ...flags, ...query, output: 'json' }, targets)
  if (params.has('since') || params.has('until')) return params
  params.set('since', DEFAULT_SINCE)
  say('the last hour; --since looks further back')
  return params
}

/** Asks, and prints the answer as JSON with -o json; else it is given to be shown. */
export async function askScope<T>(
  path: string,
  params: URLSearchParams,
  flags: Flags,
  show: (answer: T) => void,
): Promise<void> {
  const form = listForm(flags)
  const { answer } = await new Client(clientConfig(flags)).json<T>(path, params)
  if (form === 'json') process.stdout.write(`${JSON.stringify(answer)}\n`)
  else show(answer)
}
