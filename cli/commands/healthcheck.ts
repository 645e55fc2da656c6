import { SwarmlogsError } from '../../shared/errors.ts'
import type { Flags } from '../../shared/settings.ts'
import type { CommandSpec } from '../command.ts'
import { healthUrl } from '../config.ts'

const TIMEOUT_MS = 4_000

const EXAMPLES = `
Asks /livez of the server that SWARMLOGS_LISTEN (or --listen) started on this
machine. Made for HEALTHCHECK of an image.

Examples:
  swarmlogs healthcheck                              exit code 0: alive, 1: not
  swarmlogs healthcheck --listen 127.0.0.1:5000
  docker exec CONTAINER node /app/dist/cli/main.js healthcheck`

/** The command `healthcheck`. */
export const healthcheck: CommandSpec = {
  flags: [
    { flags: '--listen <HOST:PORT>', text: 'where the server listens [SWARMLOGS_LISTEN] (default 127.0.0.1:4280)' },
    { flags: '--tls-cert <FILE>', text: "the server's certificate: asks by https [SWARMLOGS_TLS_CERT]" },
  ],
  help: EXAMPLES,
  run,
}

async function run(_: readonly string[], flags: Flags): Promise<void> {
  const url = new URL('livez', healthUrl(flags))
  const reason = await whatIsWrong(url)
  if (reason === undefined) return
  throw new SwarmlogsError('SWARMLOGS_SERVER_UNAVAILABLE', `cannot find the server alive at ${url.href}: ${reason}`)
}

function whatIsWrong(url: URL): Promise<string | undefined> {
  const isTls = url.protocol === 'https:'
  const { request } = process.getBuiltinModule(isTls ? 'node:https' : 'node:http')
  // It asks its own machine, by an address that the certificate is hardly made for.
  const options = { agent: false, timeout: TIMEOUT_MS, ...(isTls && { rejectUnauthorized: false }) } as const
  return new Promise((resolve) => {
    const sent = request(url, options, (response) => {
      response.resume()
      resolve(response.statusCode === 200 ? undefined : `it answers ${response.statusCode}`)
    })
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)))
    sent.on('error', (error) => resolve(error.message))
    sent.end()
  })
}
