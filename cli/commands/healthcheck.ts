import type { Command } from 'commander'
import { Client } from '../client.ts'
import { clientConfig, healthUrl } from '../config.ts'

const EXAMPLES = `
Asks /livez of the server that SWARMLOGS_LISTEN (or --listen) started on this machine. Made for HEALTHCHECK of an image.

Examples:
  swarmlogs healthcheck                              exit code 0: alive, 1: not
  swarmlogs healthcheck --listen 127.0.0.1:4280
  docker exec CONTAINER node /app/dist/cli/main.js healthcheck`

/** Adds what `healthcheck` takes and does. */
export function define(command: Command): void {
  command.option('--listen <HOST:PORT>', 'where the server listens (default 127.0.0.1:4280)')
  command.option('--tls-ca <FILE>', 'certificate authority, where the server has TLS (PEM)')
  command.addHelpText('after', EXAMPLES).action(healthcheck)
}

async function healthcheck(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const url = healthUrl(flags)
  await new Client({ ...clientConfig({ tlsCa: flags.tlsCa, url: url.href }), url }).json('livez')
}
