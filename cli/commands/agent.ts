import type { Flags } from '../../shared/settings.ts'
import type { CommandSpec } from '../command.ts'
import { logLevel } from '../config.ts'
import { becomeLean } from '../lean.ts'
import { serve } from '../serve.ts'
import { LOG_LEVEL_FLAG, NODE_FLAGS, SERVER_FLAGS } from '../service-flags.ts'

const EXAMPLES = `
Prints one line on stdout when it is ready. Every flag can also be given as a
variable: --node-name is SWARMLOGS_NODE_NAME. On SIGTERM it goes on until the
containers that stop with it have said their last words, ships what it has and
exits.

Examples:
  swarmlogs agent --server logs.example:24224 --shared-key-file key --tls
  swarmlogs agent --state ./state     beside a server on the same machine
  swarmlogs agent --backfill 7d       reads a week back at first sight`

/** The command `agent`. */
export const agent: CommandSpec = {
  flags: [
    ...SERVER_FLAGS,
    {
      flags: '--state <DIR>',
      text: "folder of this agent's spool and checkpoints, of this agent only (default /var/lib/swarmlogs-agent, or ~/.local/state/swarmlogs-agent for other users than root)",
    },
    ...NODE_FLAGS,
    { flags: '--stop-grace <DURATION>', text: 'how long a stop may take (default 100s)' },
    {
      flags: '--lock-wait <DURATION>',
      text: 'how long to wait for another agent to let go of the state folder (default 2m)',
    },
    LOG_LEVEL_FLAG,
  ],
  help: EXAMPLES,
  run,
}

async function run(_: readonly string[], flags: Flags): Promise<void> {
  becomeLean('agent')
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
