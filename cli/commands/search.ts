import type { Command } from 'commander'
import { SwarmlogsError } from '../../shared/errors.ts'
import { Client } from '../client.ts'
import { clientConfig, colourConfig } from '../config.ts'
import { filterOptions, formOption, printOptions, rangeOptions, repeatable, serverOptions } from '../options.ts'
import { Printer } from '../output/printer.ts'
import { say } from '../output/say.ts'
import { ask, printAnswer } from '../print.ts'
import { type QuestionFlags, readQuestion } from '../question.ts'

const DEFAULT_SINCE = '1h'

const EXAMPLES = `
Finds the lines that hold TEXT, whatever its case, of all services and also of those that are gone. Several words are
one text with single spaces between them.

Examples:
  swarmlogs search "connection refused"                     in the last hour
  swarmlogs search timeout --stack shop --since 2d          of one stack, in the last two days
  swarmlogs search 500 --service "*_web" -n 20 -o json      the newest 20 as JSON records`

/** Adds what `search` takes and does. */
export function define(command: Command): void {
  command.argument('[TEXT...]', 'text to look for; without it all lines that the flags choose')
  command.option('-n, --tail <N>', 'only the newest N lines, or all')
  rangeOptions(command).option('--order <ORDER>', 'asc (oldest first, the default) or desc')
  repeatable(command, '--service <NAME>', 'only of these services (name, glob; repeatable)')
  repeatable(command, '--task <TASK>', 'only of these tasks (web.1, id, prefix of an id; repeatable)')
  repeatable(command, '--container <NAME>', 'only of these containers (name, id, prefix of an id, glob; repeatable)')
  formOption(printOptions(filterOptions(command)))
  serverOptions(command).addHelpText('after', EXAMPLES).action(search)
}

async function search(words: readonly string[], flags: QuestionFlags): Promise<void> {
  const text = words.join(' ')
  if (words.length > 0 && text.trim() === '') {
    throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot search for an empty text: give one, or leave it out')
  }
  const question = readQuestion(flags, [])
  const { form, params, count } = question
  if (text !== '') params.set('grep', text)
  if (typeof count === 'number') params.set('n', String(count))
  const isDefault = count === undefined && flags.since === undefined && flags.until === undefined
  if (isDefault) {
    params.set('since', DEFAULT_SINCE)
    say('the last hour; --since and -n look further back')
  }
  const client = new Client(clientConfig(flags))
  const printer = new Printer({ ...colourConfig(flags), ...question })
  await printAnswer(client, form, await ask(client, form, params), printer, [])
  if (!printer.hasPrinted) say('no line found')
}
