import type { Flags } from '../../shared/settings.ts'
import type { CommandSpec } from '../command.ts'
import { logLevel } from '../config.ts'
import { becomeLean } from '../lean.ts'
import { serve } from '../serve.ts'
import { DOCKER_FLAG, LOG_LEVEL_FLAG, SERVER_FLAGS } from '../service-flags.ts'

const EXAMPLES = `
Tells the server which nodes, services and tasks the Swarm has, so that answers can say whether they are complete. Any agent on a manager does that
already: this is for Swarms whose managers are drained, so that no agent runs there. It needs a manager's engine, reads no logs and keeps nothing; several
may run at once. Prints one line on stdout when it is ready.

Examples:
  swarmlogs observer --server logs.example:24224 --shared-key-file key      on a manager
  swarmlogs observer --docker ssh://admin@manager1 --server logs.example:24224 --shared-key-file key
  docker run -d --restart unless-stopped --user 0 --network host \\
    -v /var/run/docker.sock:/var/run/docker.sock:ro -v "$PWD/key":/key:ro \\
    swarmlogs:latest observer --server NODE:24224 --shared-key-file /key`

/** The command `observer`. */
export const observer: CommandSpec = {
  flags: [...SERVER_FLAGS, DOCKER_FLAG, LOG_LEVEL_FLAG],
  help: EXAMPLES,
  run,
}

async function run(_: readonly string[], flags: Flags): Promise<void> {
  becomeLean('agent')
  const [{ runObserver }, { agentConfig }] = await Promise.all([
    import('../../agent/observer.ts'),
    import('../../agent/config.ts'),
  ])
  const config = agentConfig(flags)
  await serve(logLevel(flags), (log, signal) =>
    runObserver(config, log, signal, ({ docker, server }) => {
      process.stdout.write(`swarmlogs observer ready: docker ${docker} server ${server}\n`)
    }),
  )
}
