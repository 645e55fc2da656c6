import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import type { Socket } from 'node:net'
import type { Check, CheckState } from '../shared/check.ts'
import { SwarmlogsError } from '../shared/errors.ts'
import { probeFrame } from '../shared/forward/encode.ts'
import { WIRE_FORMAT } from '../shared/forward/own.ts'
import { programVersion } from '../shared/version.ts'
import { dial, type ServerAddress } from './forwarder/dial.ts'
import { type Peer, shakeHands } from './forwarder/handshake.ts'
import { messages } from './forwarder/messages.ts'
import { readSharedKeys, type SharedKeySource } from './shared-keys.ts'

const CHUNK_BYTES = 1024 * 1024
const CHUNK_TIMEOUT_MS = 10_000
const MTU =
  'small messages get there: packets of full size are lost on the way; lower the MTU (docker network create --opt ' +
  'com.docker.network.driver.mtu=1400 for an overlay network), or let ICMP "fragmentation needed" pass'

const REMEDIES: Readonly<Record<string, string>> = {
  tcp: 'is the server up, does its --forward listen beyond loopback, and is the port open between these machines?',
  tls: 'give the server --tls-cert and --tls-key, or leave out --tls here; --tls-ca names the CA of its certificate',
  chunk: "see the server's log",
}

/** Where to try to ship to. */
export interface ProbeOptions {
  readonly server: ServerAddress
  readonly sharedKeys: SharedKeySource
  readonly chunkTimeoutMs?: number
}

/**
 * Tries, step by step, what an agent does to ship to a server: name, TCP, TLS, shared key, a chunk of 1 MiB. The chunk has no records, so
 * that no receiver stores anything. Ends at the first step that fails.
 */
export async function* probe(options: ProbeOptions, signal: AbortSignal): AsyncGenerator<Check, void> {
  const { host, port, tls } = options.server
  const steps: readonly (readonly [name: string, step: () => Promise<string>])[] = [
    ['name', async () => `${host} is ${(await addressesOf(host)).join(', ')}`],
    ['tcp', () => reach({ host, port }, signal)],
    ...(tls ? ([['tls', () => reach(options.server, signal)]] as const) : []),
  ]
  for (const [name, step] of steps) {
    const check = await step().then(
      (text) => forward(name, 'ok', text),
      (error: unknown) => failureOf(name, error),
    )
    yield check
    if (check.state === 'failed') return
  }
  yield* converse(options, signal)
}

async function addressesOf(host: string): Promise<string[]> {
  try {
    return [...new Set((await lookup(host, { all: true })).map(({ address }) => address))]
  } catch (cause) {
    const message = `cannot find the address of ${host}: check --server (SWARMLOGS_SERVER); in a stack it is tasks.STACK_SERVICE`
    throw new SwarmlogsError('SWARMLOGS_SERVER_UNAVAILABLE', message, { cause })
  }
}

async function reach(server: ServerAddress, signal: AbortSignal): Promise<string> {
  const socket = await dial(server, signal)
  const text = `${socket.remoteAddress}:${socket.remotePort} answers`
  socket.on('error', () => {})
  socket.destroy()
  return text
}

/** Logs in with the first key that the server takes, then sends the chunk over that connection. */
async function* converse(options: ProbeOptions, signal: AbortSignal): AsyncGenerator<Check, void> {
  const keys = readSharedKeys(options.sharedKeys)
  let refusal: Check | undefined
  for (const sharedKey of keys.length > 0 ? keys : [undefined]) {
    let socket: Socket | undefined
    try {
      socket = await dial(options.server, signal)
      socket.on('error', () => {})
      const received = messages(socket)
      const hello = { format: WIRE_FORMAT, version: programVersion(), nodeId: '', nodeName: '' }
      const peer = await shakeHands({ socket, messages: received, sharedKey, hello })
      yield forward('handshake', 'ok', welcomeOf(peer, sharedKey !== undefined))
      yield versionOf(peer)
      yield await shipChunk({ socket, received, timeoutMs: options.chunkTimeoutMs ?? CHUNK_TIMEOUT_MS })
      return
    } catch (error) {
      refusal = failureOf('handshake', error)
    } finally {
      socket?.destroy()
    }
  }
  if (refusal) yield refusal
}

function welcomeOf(peer: Peer, hasKey: boolean): string {
  const by = hasKey ? 'the shared key is right' : 'it asks for no shared key'
  return `${by}; ${peer.kind === 'own' ? `it is a swarmlogs server with the store ${peer.hello.store}` : 'it is another receiver'}`
}

function versionOf(peer: Peer): Check {
  const own = programVersion()
  if (peer.kind === 'foreign') return forward('version', 'skipped', 'another receiver has no version of ours')
  const { version } = peer.hello
  if (version === own) return forward('version', 'ok', `server and this program are ${own}`)
  const text = `the server is ${version}, this program ${own}`
  return { ...forward('version', 'warning', text), remedy: 'update them to one version, the server first' }
}

interface Shipping {
  readonly socket: Socket
  readonly received: AsyncIterator<unknown>
  readonly timeoutMs: number
}

async function shipChunk({ socket, received, timeoutMs }: Shipping): Promise<Check> {
  const id = randomBytes(16).toString('hex')
  const started = performance.now()
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    socket.destroy()
  }, timeoutMs)
  // What compresses well could get through where real chunks do not.
  socket.write(probeFrame(id, randomBytes(CHUNK_BYTES)))
  try {
    const { value, done } = await received.next()
    const isAck = !done && typeof value === 'object' && value !== null && 'ack' in value && value.ack === id
    const tookMs = Math.round(performance.now() - started)
    if (isAck) return forward('chunk', 'ok', `a chunk of 1 MiB was acked after ${tookMs} ms`)
    if (isLate) return stuck(timeoutMs)
    return failureOf('chunk', 'it did not ack a chunk of 1 MiB')
  } catch (error) {
    if (isLate) return stuck(timeoutMs)
    return failureOf('chunk', error)
  } finally {
    clearTimeout(timer)
  }
}

function stuck(timeoutMs: number): Check {
  return { ...forward('chunk', 'failed', `a chunk of 1 MiB did not get through in ${timeoutMs / 1000} s`), remedy: MTU }
}

function forward(name: string, state: CheckState, text: string): Check {
  return { part: 'forward', name, state, text }
}

/** Our errors mostly say what to do, too. */
function failureOf(name: string, error: unknown): Check {
  const remedy = REMEDIES[name]
  const text = error instanceof Error ? error.message : String(error)
  return { ...forward(name, 'failed', text), ...(remedy !== undefined && { remedy }) }
}
