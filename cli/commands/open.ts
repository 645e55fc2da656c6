import type { Flags } from '../../shared/settings.ts'
import { Client } from '../client.ts'
import type { CommandSpec } from '../command.ts'
import { clientConfig } from '../config.ts'
import { checkTerminal, showUi, UI_FLAGS } from './ui.ts'

const EXAMPLES = `
Shows the terminal UI at a line, among what its container printed; Esc shows what all
printed then, ? the keys. CURSOR is what -o json, and {{.Cursor}} in a template, tell
of each line.

Examples:
  swarmlogs search oom -n 1 -o '{{.Cursor}}'         tells a cursor
  swarmlogs open CURSOR
  swarmlogs open "$(swarmlogs tail web --level error -n 1 -o '{{.Cursor}}')"`

/** The command `open`. */
export const open: CommandSpec = {
  operand: { form: '<CURSOR>', text: 'the line' },
  flags: UI_FLAGS,
  help: EXAMPLES,
  run,
}

async function run([cursor = '']: readonly string[], flags: Flags): Promise<void> {
  checkTerminal()
  const [{ readLineAt }, { EVERYTHING }] = await Promise.all([import('../ui/around.ts'), import('../ui/scope.ts')])
  const client = new Client(clientConfig(flags))
  // Asked before the terminal is taken: a cursor that is none is an error like any other.
  const line = await readLineAt(client, cursor)
  await showUi(client, { scope: EVERYTHING, at: line.time, look: {}, line }, flags)
}
