import { userInfo } from 'node:os'
import type { ApiAnnotation, ApiAnnotations } from '../../shared/api/record.ts'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { Flags } from '../../shared/settings.ts'
import { Client } from '../client.ts'
import type { CommandSpec } from '../command.ts'
import { clientConfig } from '../config.ts'
import { LIST_FLAG, RANGE_FLAGS, SERVER_FLAGS } from '../flags.ts'
import { listForm } from '../list.ts'
import { printTable } from '../output/table.ts'

const EXAMPLES = `
Notes are kept by the server. All who look at these times see them, in tail, logs,
search, context and ui, and bundles have them. What has a TIME is about all that was
there, what has a CURSOR (from -o json, or {{.Cursor}}) about the container of that
line. Without operands the notes are listed.

Examples:
  swarmlogs note 10m 'rolled back to 1.4.1'
  swarmlogs note 2026-11-21T10:02 'load balancer was restarted' --by anna
  swarmlogs note AQDwx... 'this is where it began'
  swarmlogs note --since 1d                       what was noted
  swarmlogs note --delete 3f0c5d8b-7f3b-4f8e-9d6b-0f3d8d3b6a5e`

/** The command `note`. */
export const note: CommandSpec = {
  operand: { form: '[CURSOR|TIME] [TEXT...]', text: 'what it is about, and what to note' },
  flags: [
    { flags: '--by <NAME>', text: 'who notes it (default: your user name)' },
    { flags: '--delete <ID>', text: 'forget the note with this id' },
    ...RANGE_FLAGS,
    LIST_FLAG,
    ...SERVER_FLAGS,
  ],
  help: EXAMPLES,
  run,
}

async function run([at, ...words]: readonly string[], flags: Flags): Promise<void> {
  const client = new Client(clientConfig(flags))
  if (flags.delete !== undefined) {
    await client.send('DELETE', `api/v1/annotations/${encodeURIComponent(String(flags.delete))}`)
    return
  }
  if (at === undefined) return list(client, flags)
  const text = words.join(' ')
  if (text.trim() === '') {
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot note nothing about ${at}: give a text behind it`)
  }
  const by = flags.by === undefined ? userName() : String(flags.by)
  const timezone = new Intl.DateTimeFormat().resolvedOptions().timeZone
  const body = JSON.stringify({ at, text, by, timezone })
  const made = await client.send<ApiAnnotation>('POST', 'api/v1/annotations', { body, type: 'application/json' })
  process.stdout.write(`${made.id}\n`)
}

async function list(client: Client, flags: Flags): Promise<void> {
  const form = listForm(flags)
  const params = new URLSearchParams({ timezone: new Intl.DateTimeFormat().resolvedOptions().timeZone })
  for (const name of ['since', 'until']) if (flags[name] !== undefined) params.set(name, String(flags[name]))
  const { answer } = await client.json<ApiAnnotations>('api/v1/annotations', params)
  if (form === 'json') process.stdout.write(`${JSON.stringify(answer)}\n`)
  else printTable(['AT', 'SERVICE', 'BY', 'TEXT', 'ID'], answer.annotations.map(rowOf))
}

function rowOf(one: ApiAnnotation): string[] {
  return [one.at, one['service.name'] ?? '', one.by, one.text.replaceAll('\n', ' '), one.id]
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A container's user need not have a name.
    return 'somebody'
  }
}
