import { lookup } from 'node:dns/promises'
import { connect } from 'node:net'
import type { ApiStatus } from '../shared/api/status.ts'
import type { Check, CheckState } from '../shared/check.ts'
import { programVersion } from '../shared/version.ts'
import { Client } from './client.ts'
import type { ClientConfig } from './config.ts'

const CONNECT_TIMEOUT_MS = 3_000
const SKEW_MS = 1_000
const IS_UP = 'is the server up, and is its port open to this machine? --url or SWARMLOGS_URL name it'

/** Tries, step by step, what a client does to ask a server, and ends at the first step that fails; returns what the server tells of itself. */
export async function* serverChecks(config: ClientConfig): AsyncGenerator<Check, ApiStatus | undefined> {
  const { url } = config
  const client = new Client(config)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  const steps: readonly (readonly [name: string, step: () => Promise<string>])[] = [
    ['name', () => resolve(host)],
    ['tcp', () => reach(host, port)],
    ['http', () => isAlive(client)],
  ]
  for (const [name, step] of steps) {
    const check = await tried(name, step)
    yield check
    if (check.state === 'failed') return undefined
  }
  return yield* statusChecks(client, config)
}

async function* statusChecks(client: Client, config: ClientConfig): AsyncGenerator<Check, ApiStatus | undefined> {
  const asked = Date.now()
  let status: ApiStatus | undefined
  yield await tried('token', async () => {
    status = (await client.json<ApiStatus>('api/v1/status')).answer
    return config.token === undefined ? 'it asks for no token' : 'the token is right'
  })
  if (status === undefined) return undefined
  yield versionCheck(status)
  yield clockCheck(status, asked, Date.now())
  return status
}

async function tried(name: string, step: () => Promise<string>): Promise<Check> {
  try {
    return of(name, 'ok', await step())
  } catch (error) {
    return of(name, 'failed', error instanceof Error ? error.message : String(error))
  }
}

async function resolve(host: string): Promise<string> {
  try {
    return `${host} is ${(await lookup(host, { all: true })).map(({ address }) => address).join(', ')}`
  } catch (error) {
    throw new Error(`cannot find the address of ${host}: ${reasonOf(error)}; check --url or SWARMLOGS_URL`)
  }
}

function reach(host: string, port: number): Promise<string> {
  return new Promise((done, fail) => {
    const socket = connect({ host, port, timeout: CONNECT_TIMEOUT_MS })
    socket.once('connect', () => {
      done(`${socket.remoteAddress}:${port} answers`)
      socket.destroy()
    })
    socket.once('timeout', () => socket.destroy(new Error(`no answer in ${CONNECT_TIMEOUT_MS / 1000} s`)))
    socket.on('error', (error) => fail(new Error(`cannot reach ${host}:${port}: ${reasonOf(error)}; ${IS_UP}`)))
  })
}

async function isAlive(client: Client): Promise<string> {
  await client.json('livez')
  return `a server answers at ${client.address}`
}

function versionCheck({ version }: ApiStatus): Check {
  const own = programVersion()
  if (version === own) return of('version', 'ok', `server and this program are ${own}`)
  const text = `the server is ${version}, this program ${own}`
  return { ...of('version', 'warning', text), remedy: 'use the same version of both' }
}

/** The server read its clock at some time between question and answer. */
function clockCheck({ time }: ApiStatus, askedMs: number, answeredMs: number): Check {
  const server = Date.parse(time)
  const ahead = Math.max(server - answeredMs, 0) || Math.min(server - askedMs, 0)
  if (Math.abs(ahead) <= SKEW_MS) return of('clock', 'ok', "its clock agrees with this machine's")
  const text = `its clock is ${(Math.abs(ahead) / 1000).toFixed(1)} s ${ahead > 0 ? 'ahead of' : 'behind'} this machine's`
  return { ...of('clock', 'warning', text), remedy: 'set both by NTP (chrony)' }
}

function of(name: string, state: CheckState, text: string): Check {
  return { part: 'server', name, state, text }
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join(', ')
  return error instanceof Error ? error.message : String(error)
}
