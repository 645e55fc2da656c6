import { hostname, networkInterfaces } from 'node:os'
import { join } from 'node:path'
import type { Flags } from '../../shared/settings.ts'
import type { CommandSpec } from '../command.ts'
import { dataFolder, logLevel } from '../config.ts'
import { becomeLean } from '../lean.ts'
import { serve } from '../serve.ts'
import { LOG_LEVEL_FLAG, NODE_FLAGS, STORE_FLAGS } from '../service-flags.ts'

const EXAMPLES = `
Keeps the logs of this machine's containers: server with the embedded store and agent in one process. Prints one line on
stdout when it is ready. Every flag can also be given as a variable: --data is SWARMLOGS_DATA.

Examples:
  swarmlogs up                                        data in /var/lib/swarmlogs; then: swarmlogs tail -f
  swarmlogs up --data ./logs --backfill 0s            only new lines
  swarmlogs up --listen 0.0.0.0:4280 --token-file t --shared-key-file k   to be asked from other machines, too`

/** Somebody waits for the prompt: an agent in a stack has more patience with its neighbours. */
const STOP_GRACE = '3s'

/** The command `up`. */
export const up: CommandSpec = {
  flags: [...STORE_FLAGS, ...NODE_FLAGS, LOG_LEVEL_FLAG],
  help: EXAMPLES,
  run,
}

async function run(_: readonly string[], flags: Flags): Promise<void> {
  becomeLean('server')
  const [{ runServer }, { serverConfig }, { runAgent }, { agentConfig }] = await Promise.all([
    import('../../server/main.ts'),
    import('../../server/config.ts'),
    import('../../agent/main.ts'),
    import('../../agent/config.ts'),
  ])
  const data = dataFolder(flags)
  const settings = serverConfig({ ...flags, data })
  await serve(logLevel(flags), (log, signal) =>
    both(signal, {
      server: (stop, onReady) => runServer(settings, log, stop, onReady),
      agent: (stop, { http, forward }) => {
        const state = join(data, 'agent')
        const config = agentConfig({ stopGrace: STOP_GRACE, ...flags, server: local(forward), state })
        // Its certificate is for the names that others know it by, and signed by one that this agent need not know.
        const tls = settings.tls && { certFile: settings.tls.certFile }
        const fluentdAddresses = [...config.fluentdAddresses, ...addressesOf(forward)]
        return runAgent({ ...config, server: { ...config.server, tls }, fluentdAddresses }, log, stop, ({ docker }) => {
          process.stdout.write(`swarmlogs up ready: ${http} forward ${forward} data ${data} docker ${docker}\n`)
        })
      },
    }),
  )
}

/** Where the server listens. */
interface Addresses {
  readonly http: string
  readonly forward: string
}

/** Starts the server, then the agent; stops the agent first, so that it can still ship. One that fails stops the other. */
async function both(
  signal: AbortSignal,
  run: {
    server(stop: AbortSignal, onReady: (addresses: Addresses) => void): Promise<void>
    agent(stop: AbortSignal, addresses: Addresses): Promise<void>
  },
): Promise<void> {
  const stopServer = new AbortController()
  const stopAgent = new AbortController()
  const ready = Promise.withResolvers<Addresses>()
  const server = run.server(stopServer.signal, ready.resolve)
  const agent = Promise.race([ready.promise, server]).then(
    (addresses) => addresses && run.agent(AbortSignal.any([signal, stopAgent.signal]), addresses),
  )
  try {
    await Promise.race([agent, server])
  } finally {
    stopAgent.abort()
    await Promise.allSettled([agent])
    stopServer.abort()
    await server
  }
}

const UNSPECIFIED = /^(0\.0\.0\.0|\[::\]):/

/** A listener on all addresses is reached by the loopback one. */
function local(address: string): string {
  return address.replace(UNSPECIFIED, '127.0.0.1:')
}

/** All that a log driver of this machine may call the listener on an address, so that its containers' lines are not read a second time. */
export function addressesOf(forward: string): string[] {
  if (!UNSPECIFIED.test(forward)) return [forward]
  const port = forward.slice(forward.lastIndexOf(':') + 1)
  const found = Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address))
  return ['localhost', hostname(), ...found].map((host) => `${host.includes(':') ? `[${host}]` : host}:${port}`)
}
