import type { ApiVersion } from '../../shared/api/basics.ts'
import type { Flags } from '../../shared/settings.ts'
import { programVersion } from '../../shared/version.ts'
import { Client } from '../client.ts'
import type { CommandSpec } from '../command.ts'
import { clientConfig } from '../config.ts'
import { SERVER_FLAGS } from '../flags.ts'

const EXAMPLES = `
Examples:
  swarmlogs version                             of this program and of the server
  swarmlogs version --client                    of this program alone; asks no server
  swarmlogs version --url http://node1:4280     of that server`

/** The command `version`. */
export const version: CommandSpec = {
  flags: [{ flags: '--client', text: 'only of this program' }, ...SERVER_FLAGS],
  help: EXAMPLES,
  run,
}

async function run(_: readonly string[], flags: Flags): Promise<void> {
  process.stdout.write(`swarmlogs ${programVersion()} (Node ${process.versions.node})\n`)
  if (flags.client === true) return
  const client = new Client(clientConfig(flags))
  const { answer } = await client.json<ApiVersion>('api/v1/version')
  process.stdout.write(
    `server ${answer.version} (Node ${answer.node}, API ${answer.api}) at ${client.address}, store ${answer.store.id}\n`,
  )
}
