import type { Command } from 'commander'
import type { ApiVersion } from '../../shared/api.ts'
import { programVersion } from '../../shared/version.ts'
import { Client } from '../client.ts'
import { clientConfig } from '../config.ts'
import { serverOptions } from '../options.ts'

const EXAMPLES = `
Examples:
  swarmlogs version                             of this program and of the server
  swarmlogs version --client                    of this program alone; asks no server
  swarmlogs version --url http://node1:4280     of that server`

/** Adds what `version` takes and does. */
export function define(command: Command): void {
  command.option('--client', 'only of this program')
  serverOptions(command).addHelpText('after', EXAMPLES).action(version)
}

async function version(flags: Readonly<Record<string, unknown>>): Promise<void> {
  process.stdout.write(`swarmlogs ${programVersion()} (Node ${process.versions.node})\n`)
  if (flags.client === true) return
  const client = new Client(clientConfig(flags))
  const { answer } = await client.json<ApiVersion>('api/v1/version')
  process.stdout.write(
    `server ${answer.version} (Node ${answer.node}, API ${answer.api}) at ${client.address}, store ${answer.store.id}\n`,
  )
}
