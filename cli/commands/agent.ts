import type { Command } from 'commander'
import { logLevel } from '../config.ts'
import { agentOptions, logLevelOption } from '../options.ts'
import { serve } from '../serve.ts'

const EXAMPLES = `
Prints one line on stdout when it is ready. Every flag can also be given as a variable: --node-name is SWARMLOGS_NODE_NAME.
On SIGTERM it goes on until the containers that stop with it have said their last words, ships what it has and exits.

Examples:
  swarmlogs agent --server logs.example:24224 --shared-key-file key --tls
  swarmlogs agent --server 127.0.0.1:24224 --state ./state         beside a server on the same machine
  swarmlogs agent --docker unix:///run/docker.sock --backfill 7d   read a week back at first sight`

/** Adds what `agent` takes and does. */
export function define(command: Command): void {
  command.option('--server <HOST:PORT>', 'server to ship to; every address of the name is tried')
  command.option('--state <DIR>', "folder of this agent's spool and checkpoints, of this agent only")
  command.option('--shared-key-file <FILE>', "the server's shared key [SWARMLOGS_SHARED_KEY_FILE]")
  command.option('--insecure', 'ship to another machine without a shared key')
  command.option('--tls', 'ship over TLS')
  command.option('--tls-ca <FILE>', 'certificate authority of the server (PEM)')
  command.option('--stop-grace <DURATION>', 'how long a stop may take (default 100s)')
  command.option(
    '--lock-wait <DURATION>',
    'how long to wait for another agent to let go of the state folder (default 2m)',
  )
  logLevelOption(agentOptions(command)).addHelpText('after', EXAMPLES).action(agent)
}

async function agent(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const { becomeLean } = await import('../../agent/lean.ts')
  becomeLean()
  const [{ runAgent }, { agentConfig }] = await Promise.all([
    import('../../agent/main.ts'),
    import('../../agent/config.ts'),
  ])
  const config = agentConfig(flags)
  await serve(logLevel(flags), (log, signal) =>
    runAgent(config, log, signal, ({ docker, server, state }) => {
      process.stdout.write(`swarmlogs agent ready: docker ${docker} server ${server} state ${state}\n`)
    }),
  )
}
