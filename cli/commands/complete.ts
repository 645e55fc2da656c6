import type { ApiFields } from '../../shared/api/analysis.ts'
import type { ApiNodes, ApiServices } from '../../shared/api/catalog.ts'
import { SwarmlogsError } from '../../shared/errors.ts'
import { LINE_LABELS, STREAM_LABELS } from '../../shared/query/ast.ts'
import { LEVELS } from '../../shared/record.ts'
import type { Flags } from '../../shared/settings.ts'
import { Client } from '../client.ts'
import { type CommandSpec, flagParts } from '../command.ts'
import { COMMANDS } from '../commands.ts'
import { clientConfig } from '../config.ts'
import { SORTS } from '../output/top-table.ts'

const SHELLS = ['bash', 'zsh', 'fish', 'powershell']
/** Whoever presses TAB does not wait for a server that is away. */
const ANSWER_MS = 800
/** Their fields are offered: nobody types on while a million lines are read. */
const EXAMINED_LINES = 2_000
const LABELS: readonly string[] = [...STREAM_LABELS, ...LINE_LABELS]

const EXAMPLES = `
Prints what makes a shell complete commands, flags, services, nodes, stacks,
fields and levels; the names come from the server, when it answers at once.

Examples:
  source <(swarmlogs complete bash)                   in ~/.bashrc; zsh the same
  swarmlogs complete fish | source                    in ~/.config/fish/config.fish
  swarmlogs complete powershell | Out-String | Invoke-Expression`

/** What completion asks for names. */
interface Names {
  readonly services: readonly string[]
  readonly stacks: readonly string[]
  readonly nodes: readonly string[]
  readonly fields: readonly string[]
}

/** The command `complete`. */
export const complete: CommandSpec = {
  operand: { form: '[SHELL...]', text: 'bash, zsh, fish or powershell' },
  flags: [],
  help: EXAMPLES,
  run,
}

async function run(operands: readonly string[], _: Flags): Promise<void> {
  // tab's adapter for commander would have all commands loaded, and know no names.
  const { default: tab } = await import('@bomb.sh/tab')
  const dashes = process.argv.indexOf('--')
  if (dashes === -1) {
    const [shell = ''] = operands
    if (!SHELLS.includes(shell)) {
      throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot complete in '${shell}': give ${SHELLS.join(', ')}`)
    }
    tab.setup('swarmlogs', 'swarmlogs', shell)
    return
  }
  const words = process.argv.slice(dashes + 1)
  for (const { name, summary, load } of COMMANDS) {
    const command = tab.command(name, summary)
    if (name !== words[0]) continue
    const spec = await load()
    addSpec(command, spec, await readNames(spec))
  }
  tab.parse(words)
}

/** As much of tab's commands as is used here. */
interface TabCommand {
  option(name: string, text: string, values?: (complete: Complete) => void, short?: string): unknown
  option(name: string, text: string, short?: string): unknown
  argument(name: string, values: (complete: Complete) => void, isVariadic: boolean): unknown
}
type Complete = (value: string, text: string) => void

function addSpec(command: TabCommand, { operand, flags }: CommandSpec, names: Names): void {
  const each = (values: readonly string[]) => (add: Complete) => {
    for (const value of values) add(value, '')
  }
  for (const flag of flags) {
    const { long, short, takesValue } = flagParts(flag)
    if (takesValue) command.option(long, flag.text, each(valuesOf(long, flag.flags, names)), short)
    else command.option(long, flag.text, short)
  }
  if (operand?.values !== undefined) command.argument('action', each(operand.values), false)
  if (operand?.form.startsWith('<FIELD>')) command.argument('field', each(names.fields), false)
  if (operand !== undefined && /TARGET|SERVICE/.test(operand.form)) {
    command.argument('target', each(names.services), true)
  }
}

function valuesOf(long: string, form: string, { services, stacks, nodes, fields }: Names): readonly string[] {
  const lists: Readonly<Record<string, readonly string[]>> = {
    ...{ service: services, stack: stacks, node: nodes, level: LEVELS, source: ['stdout', 'stderr'] },
    ...{ color: ['auto', 'always', 'never'], order: ['asc', 'desc'] },
    ...{ by: fields, sort: SORTS, within: ['container', 'service', 'stream', 'all'] },
    output: form.includes('<FORM>') ? ['text', 'json', 'raw', 'logfmt', 'csv', 'table'] : [],
  }
  return lists[long] ?? []
}

/** Names that the server knows; only labels when it does not answer soon. */
async function readNames(spec: CommandSpec): Promise<Names> {
  const none: Names = { services: [], stacks: [], nodes: [], fields: LABELS }
  const late = new Promise<Names>((resolve) => setTimeout(() => resolve(none), ANSWER_MS).unref())
  return Promise.race([askNames(spec).catch(() => none), late])
}

async function askNames(spec: CommandSpec): Promise<Names> {
  const client = new Client(clientConfig({}))
  const [{ answer: services }, { answer: nodes }, fields] = await Promise.all([
    client.json<ApiServices>('api/v1/services'),
    client.json<ApiNodes>('api/v1/nodes'),
    wantsFields(spec) ? askFields(client) : LABELS,
  ])
  return {
    services: services.services.map(({ name }) => name).filter(isPlain),
    stacks: [...new Set(services.services.map(({ stack }) => stack))].filter(isPlain),
    nodes: nodes.nodes.map(({ name }) => name).filter(isPlain),
    fields: fields.filter(isPlain),
  }
}

function wantsFields({ operand, flags }: CommandSpec): boolean {
  return operand?.form.startsWith('<FIELD>') === true || flags.some((flag) => flagParts(flag).long === 'by')
}

/** The fields of the newest lines; those of labels where an older server cannot tell. */
async function askFields(client: Client): Promise<readonly string[]> {
  const params = new URLSearchParams({ since: '1h', examine: String(EXAMINED_LINES) })
  const asked = client.json<ApiFields>('api/v1/fields', params)
  return asked.then(({ answer }) => answer.fields.map(({ name }) => name)).catch(() => LABELS)
}

/** A shell evaluates what it is given: names that could mean something to it are left out. */
function isPlain(name: string): boolean {
  return /^[\w.-]+$/.test(name)
}
