import type { ApiContext } from '../../shared/api/analysis.ts'
import type { ApiRecord } from '../../shared/api/record.ts'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { Flags } from '../../shared/settings.ts'
import { Client } from '../client.ts'
import type { CommandSpec } from '../command.ts'
import { clientConfig } from '../config.ts'
import { FORM_FLAG, SERVER_FLAGS } from '../flags.ts'
import { recordForm } from '../output/forms.ts'
import { harmless } from '../output/harmless.ts'
import { MissingNotes } from '../output/missing.ts'

const EXAMPLES = `
Shows what was printed before and after a line, which is marked by >. CURSOR is
what -o json, and {{.Cursor}} in a template, tell of each line.

Examples:
  swarmlogs search oom -n 1 -o '{{.Cursor}}' | xargs swarmlogs context
  swarmlogs context CURSOR --before 50 --after 0
  swarmlogs context CURSOR --within all         lines of all services around it`

/** The command `context`. */
export const context: CommandSpec = {
  operand: { form: '<CURSOR>', text: 'the line' },
  flags: [
    { flags: '--before <N>', text: 'lines before it', default: '10' },
    { flags: '--after <N>', text: 'lines after it', default: '10' },
    {
      flags: '--within <SCOPE>',
      text: 'lines of its container, service, stream (container and source) or all',
      default: 'container',
    },
    FORM_FLAG,
    ...SERVER_FLAGS,
  ],
  help: EXAMPLES,
  run,
}

async function run([cursor = '']: readonly string[], flags: Flags): Promise<void> {
  const { before, after, within } = flags
  for (const count of [before, after]) {
    if (!/^\d{1,4}$/.test(String(count)))
      throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot use '${count}' as a count of lines: give one such as 10`)
  }
  const params = new URLSearchParams({ cursor, before: String(before), after: String(after), within: String(within) })
  const write = writerOf(String(flags.output))
  const { answer } = await new Client(clientConfig(flags)).json<ApiContext>('api/v1/context', params)
  const lines = [
    ...answer.before.map((record) => write(record, ' ')),
    write(answer.record, '>'),
    ...answer.after.map((record) => write(record, ' ')),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  const notes = new MissingNotes(false, { colour: 'never', isPlainTerminal: true })
  for (const one of answer.annotations ?? []) notes.annotation(one)
  for (const gap of answer.gaps) notes.gap(gap)
  notes.verdict(answer.completeness)
}

/** How a line is shown, behind the sign that it has. */
function writerOf(output: string): (record: ApiRecord, sign: string) => string {
  const shown = (text: string) => (process.stdout.isTTY ? harmless(text, 'drop') : text)
  if (output === 'raw') return ({ message }) => shown(message)
  const form = recordForm(output === 'text' ? '{{.Time}} {{.Task}}@{{.Node}} | {{.Message}}' : output)
  return (record, sign) => (output === 'text' ? `${sign} ` : '') + shown(form.write(record, JSON.stringify(record)))
}
