import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { hostname } from 'node:os'
import { SwarmlogsError } from '../../shared/errors.ts'
import { helloFrame, pack } from '../../shared/forward/encode.ts'
import { digestsMatch, freshSalt, keyDigest } from '../../shared/forward/handshake.ts'
import { type Opening, parseOpenings } from '../../shared/forward/lineage.ts'
import { type AgentHello, identitySum, type ServerHello } from '../../shared/forward/own.ts'
import { protocolError } from './messages.ts'

/** Who answers: our own server with its store, or any other receiver of the forward protocol. */
export type Peer = { readonly kind: 'own'; readonly hello: PeerHello } | { readonly kind: 'foreign' }

/** What our server says, with its store's openings where it knows them. */
type PeerHello = Omit<ServerHello, 'openings'> & { readonly openings?: readonly Opening[] }

export interface HandshakeOptions {
  readonly socket: Socket
  readonly messages: AsyncIterator<unknown>
  readonly sharedKey: string | undefined
  readonly hello: AgentHello
}

const ANSWER_TIMEOUT_MS = 10_000

const NO_HELO =
  'the server asked for no shared key in 10 s: start it with the same --shared-key-file, set --tls if it speaks TLS, or leave the key out here'
const KEY_WANTED = 'the server wants a shared key: give the same one with --shared-key-file (SWARMLOGS_SHARED_KEY_FILE)'
const WRONG_KEY =
  'the shared keys differ: --shared-key-file (SWARMLOGS_SHARED_KEY_FILE) must hold one of the server’s keys'
const TURNED_AWAY = 'it turned this agent away, though the shared key may be right; its own log says why'
const NO_ACK =
  'the server did not ack the greeting in 10 s: does it speak the forward protocol on this port, with acks, and TLS only if --tls is set?'

const CLOSED =
  'it closed the connection before it answered: set --tls if it speaks TLS; its own log may say why it refused this agent'

/**
 * Proves the shared key to the server and has the server prove it, then asks who it is. Throws SWARMLOGS_UNAUTHORIZED when the keys do
 * not match, SWARMLOGS_PROTOCOL or SWARMLOGS_SERVER_UNAVAILABLE otherwise.
 */
export async function shakeHands(options: HandshakeOptions): Promise<Peer> {
  if (options.sharedKey !== undefined) await proveKey(options, options.sharedKey)
  const id = randomBytes(16).toString('hex')
  options.socket.write(helloFrame(options.hello, id))
  const answer = await nextMessage(options, NO_ACK)
  if (isCalled(answer, 'HELO')) throw unauthorized(KEY_WANTED)
  if (!isMap(answer) || answer.ack !== id)
    throw protocolError('it answered the greeting with something other than its ack')
  return peerOf(answer)
}

async function proveKey(options: HandshakeOptions, key: string): Promise<void> {
  const helo = await nextMessage(options, NO_HELO)
  if (!isCalled(helo, 'HELO') || !isMap(helo[1])) throw protocolError('it did not begin with HELO')
  const nonce = bytesOf(helo[1].nonce)
  const salt = freshSalt()
  const host = hostname()
  options.socket.write(pack(['PING', host, salt, keyDigest({ salt, host, nonce, key }), '', '']))
  const pong = await nextMessage(options, WRONG_KEY)
  if (!isCalled(pong, 'PONG')) throw protocolError('it did not answer PING with PONG')
  const [, isWelcome, reason, serverHost, digest] = pong
  if (isWelcome !== true)
    throw unauthorized(`${/key/i.test(String(reason)) ? WRONG_KEY : TURNED_AWAY} (it says: ${String(reason)})`)
  const expected = keyDigest({ salt, host: String(serverHost), nonce, key })
  if (!digestsMatch(expected, String(digest)))
    throw unauthorized(`${WRONG_KEY} (it did not prove that it knows this one)`)
}

function peerOf(answer: Readonly<Record<string, unknown>>): Peer {
  const hello = answer.swarmlogs
  // Others say nothing but the ack; our server's key may have been changed on its way.
  if (hello === undefined && Object.keys(answer).length === 1) return { kind: 'foreign' }
  if (!isMap(hello)) throw protocolError('it does not say which store it has')
  const { format, version, store, epoch, retentionMs, error, sum, openings: text } = hello
  if (typeof error === 'string') throw protocolError(`it refuses this agent: ${error}`)
  const isSound = typeof format === 'number' && typeof store === 'string' && store !== '' && typeof epoch === 'number'
  if (!isSound) throw protocolError('it does not say which store it has')
  if (sum !== undefined && sum !== identitySum(store, epoch))
    throw protocolError('who its store is was changed on the way')
  const openings = text === undefined ? undefined : parseOpenings(String(text))
  if (text !== undefined && openings === undefined) throw protocolError('who its store is was changed on the way')
  const kept = typeof retentionMs === 'number' && retentionMs > 0 ? { retentionMs } : {}
  return {
    kind: 'own',
    hello: { format, version: String(version), store, epoch, ...(openings && { openings }), ...kept },
  }
}

/** The next message; throws with a hint when there is none in time, or the server closes. */
async function nextMessage({ socket, messages }: HandshakeOptions, hint: string): Promise<unknown> {
  const timer = setTimeout(() => socket.destroy(unavailable(hint)), ANSWER_TIMEOUT_MS)
  try {
    const { done, value } = await messages.next()
    if (done === true) throw unavailable(CLOSED)
    return value
  } finally {
    clearTimeout(timer)
  }
}

function isCalled(message: unknown, name: string): message is unknown[] {
  return Array.isArray(message) && message[0] === name
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function bytesOf(value: unknown): Buffer {
  if (value instanceof Uint8Array) return Buffer.from(value)
  if (typeof value === 'string') return Buffer.from(value)
  throw protocolError('its HELO has no nonce')
}

function unauthorized(what: string): SwarmlogsError {
  return new SwarmlogsError('SWARMLOGS_UNAUTHORIZED', `cannot log in to the server: ${what}`)
}

function unavailable(what: string): SwarmlogsError {
  return new SwarmlogsError('SWARMLOGS_SERVER_UNAVAILABLE', `cannot talk to the server: ${what}`)
}
