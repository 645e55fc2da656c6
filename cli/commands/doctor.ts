import type { ApiStatus } from '../../shared/api/status.ts'
import type { Check } from '../../shared/check.ts'
import type { Flags } from '../../shared/settings.ts'
import { Client } from '../client.ts'
import { clusterChecks, worst } from '../cluster-checks.ts'
import type { CommandSpec } from '../command.ts'
import { type ClientConfig, clientConfig, doctorConfig } from '../config.ts'
import { dockerChecks, type RateOf } from '../docker-checks.ts'
import { LIST_FLAG, SERVER_FLAGS } from '../flags.ts'
import { listForm } from '../list.ts'
import { harmless } from '../output/harmless.ts'
import { readRates } from '../rates.ts'
import { serverChecks } from '../server-checks.ts'
import { DOCKER_FLAG } from '../service-flags.ts'

const EXIT_CODES = { ok: 0, skipped: 0, failed: 1, warning: 3 } as const

const EXAMPLES = `
Looks at what goes wrong, in this order, and says what to do about it, a line each:
  server    as a client sees it: name, TCP, HTTP, token, version, clock
  forward   its port for agents: name, TCP, TLS, shared key, a chunk of 1 MiB (which
            holds nothing to store); where --server or --shared-key-file is given
  docker    this machine's engine: socket, clock, log drivers, rotation; where there
            is a socket
  cluster   what the server knows: store, disk, nodes, spools, clocks, versions, gaps

Exit codes, for monitoring: 0 all is well, 3 there are warnings, 1 something failed,
2 wrong usage.

Examples:
  swarmlogs doctor
  swarmlogs doctor --server tasks.server:24224 --shared-key-file key     where an agent does not ship
  swarmlogs doctor -o json | jq -r '.checks[] | select(.state != "ok") | .text'`

/** The command `doctor`. */
export const doctor: CommandSpec = {
  flags: [
    ...SERVER_FLAGS,
    { flags: '--server <HOST:PORT>', text: 'port for agents to try [SWARMLOGS_SERVER] (default port 24224 of --url)' },
    { flags: '--shared-key-file <FILE>', text: "the server's shared key [SWARMLOGS_SHARED_KEY_FILE]" },
    { flags: '--tls', text: 'that port speaks TLS' },
    DOCKER_FLAG,
    LIST_FLAG,
  ],
  help: EXAMPLES,
  run,
}

async function run(_: readonly string[], flags: Flags): Promise<void> {
  const form = listForm(flags)
  const checks: Check[] = []
  for await (const check of allChecks(flags)) {
    checks.push(check)
    if (form === 'table') process.stdout.write(`${lineOf(check)}\n`)
  }
  const state = worst(checks)
  if (form === 'json') process.stdout.write(`${JSON.stringify({ state, checks })}\n`)
  process.exitCode = EXIT_CODES[state]
}

function lineOf({ part, state, text, remedy }: Check): string {
  const line = `${state.padEnd(7)}  ${part.padEnd(7)}  ${text}${remedy === undefined ? '' : `: ${remedy}`}`
  return process.stdout.isTTY ? harmless(line) : line
}

async function* allChecks(flags: Flags): AsyncGenerator<Check, void> {
  const config = clientConfig(flags)
  const status = yield* serverChecks(config)
  yield* forwardChecks(flags)
  yield* engineChecks(flags, await ratesOf(config, status))
  if (status !== undefined) yield* clusterChecks(status)
  else yield skipped('cluster', 'nodes', 'the server does not tell')
}

async function* forwardChecks(flags: Flags): AsyncGenerator<Check, void> {
  const { server } = doctorConfig(flags)
  if (server === undefined) {
    yield skipped('forward', 'port', 'to try what an agent does give --server HOST:PORT and --shared-key-file')
    return
  }
  const [{ probe }, { agentConfig }] = await Promise.all([
    import('../../agent/probe.ts'),
    import('../../agent/config.ts'),
  ])
  // No lines are sent: without a key it can be tried, too.
  yield* probe(agentConfig({ ...flags, server, insecure: true }), new AbortController().signal)
}

async function* engineChecks(flags: Flags, rateOf: RateOf): AsyncGenerator<Check, void> {
  if (!doctorConfig(flags).hasDocker) {
    yield skipped('docker', 'socket', 'this machine has no Docker socket; --docker names an engine')
    return
  }
  const [{ examine }, { agentConfig }] = await Promise.all([
    import('../../agent/examine.ts'),
    import('../../agent/config.ts'),
  ])
  try {
    const { docker } = agentConfig({ ...flags, insecure: true })
    yield* dockerChecks(await examine(docker, new AbortController().signal), rateOf)
  } catch (error) {
    yield unreachableEngine(error)
  }
}

function unreachableEngine(error: unknown): Check {
  const text = error instanceof Error ? error.message : String(error)
  const remedy = /EACCES/.test(text)
    ? "run as root, or as a member of the socket's group (usermod -aG docker USER)"
    : 'is dockerd running, and is this its address? --docker or DOCKER_HOST name it'
  return { part: 'docker', name: 'socket', state: 'failed', text, remedy }
}

async function ratesOf(config: ClientConfig, status: ApiStatus | undefined): Promise<RateOf> {
  const unknown: RateOf = () => undefined
  return status === undefined ? unknown : readRates(new Client(config), status).catch(() => unknown)
}

function skipped(part: Check['part'], name: string, text: string): Check {
  return { part, name, state: 'skipped', text }
}
