import type { Command } from 'commander'
import { logLevel } from '../config.ts'
import { logLevelOption, storeOptions } from '../options.ts'
import { serve } from '../serve.ts'

const EXAMPLES = `
Prints one line on stdout when it is ready. Every flag can also be given as a variable: --max-size is SWARMLOGS_MAX_SIZE.

Examples:
  swarmlogs server                                            for this machine only, data in /var/lib/swarmlogs
  swarmlogs server --listen 0.0.0.0:4280 --forward 0.0.0.0:24224 \\
    --token-file token --shared-key-file key                  for a network
  swarmlogs server --retention 7d --max-size 100GiB           keep a week, at most 100 GiB`

/** Adds what `server` takes and does. */
export function define(command: Command): void {
  command.option('--token-file <FILE>', 'tokens for the HTTP API, one a line, all valid at once [SWARMLOGS_TOKEN_FILE]')
  command.option(
    '--shared-key-file <FILE>',
    'shared keys for senders, one a line, all valid at once [SWARMLOGS_SHARED_KEY_FILE]',
  )
  command.option('--insecure', 'listen beyond this machine without token and shared key')
  command.option('--tls-cert <FILE>', 'certificate (PEM) for both ports; read anew when it changes')
  command.option('--tls-key <FILE>', 'its key (PEM)')
  logLevelOption(storeOptions(command)).addHelpText('after', EXAMPLES).action(server)
}

async function server(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const [{ runServer }, { serverConfig }] = await Promise.all([
    import('../../server/main.ts'),
    import('../../server/config.ts'),
  ])
  const config = serverConfig(flags)
  await serve(logLevel(flags), (log, signal) =>
    runServer(config, log, signal, ({ http, forward }) => {
      process.stdout.write(`swarmlogs server ready: ${http} forward ${forward} data ${config.dir}\n`)
    }),
  )
}
