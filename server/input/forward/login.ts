import { pack } from '../../../shared/forward/encode.ts'
import { freshSalt, keyDigest, keyThatMatches } from '../../../shared/forward/handshake.ts'
import { KINDS } from './headers.ts'
import { MsgpackReader } from './reader.ts'
import { Refusal } from './refusal.ts'

const PING_ELEMENTS = 6
const HOST_BYTES = 255
const SALT_BYTES = 256
const DIGEST_BYTES = 128
const SERVER_NAME = 'swarmlogs'

interface Ping {
  readonly host: string
  readonly salt: Buffer
  readonly digest: string
}

/** The answer to a PING: what to send, and the client's name when it knows a key. */
export interface LoginAnswer {
  readonly pong: Buffer
  readonly host?: string
}

/** The server's side of one connection's shared-key handshake. */
export class Login {
  readonly #nonce = freshSalt()
  readonly #keys: () => readonly string[]

  constructor(keys: () => readonly string[]) {
    this.#keys = keys
  }

  /** What the server says first. The nonce is bin, as str would be destroyed by UTF-8 decoding; users and passwords are not asked for. */
  hello(): Buffer {
    return pack(['HELO', { nonce: this.#nonce, auth: '', keepalive: true }])
  }

  /** Judges a client's first frame. Throws a Refusal when it is no PING. */
  answer(frame: Buffer): LoginAnswer {
    const { host, salt, digest } = pingOf(frame)
    const proof = { salt, host, nonce: this.#nonce }
    const key = keyThatMatches(this.#keys(), proof, digest)
    if (key === undefined) return { pong: refusingPong('shared key mismatch') }
    // Clients refuse a server of their own name.
    const name = host === SERVER_NAME ? `${SERVER_NAME}-server` : SERVER_NAME
    return { pong: pack(['PONG', true, '', name, keyDigest({ ...proof, host: name, key })]), host }
  }
}

/** A PONG that lets nobody in, and says why. */
export function refusingPong(reason: string): Buffer {
  return pack(['PONG', false, reason, '', ''])
}

function pingOf(frame: Buffer): Ping {
  try {
    return readPing(new MsgpackReader(frame))
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause
    throw new Refusal('login', 'cannot take a login that is no PING; check that the peer is to use a shared key', {
      cause,
    })
  }
}

function readPing(reader: MsgpackReader): Ping {
  if (reader.arrayLength() !== PING_ELEMENTS || reader.textOrSkip() !== 'PING') throw unfit()
  const host = stringOf(reader, HOST_BYTES)
  const salt = Buffer.from(stringOf(reader, SALT_BYTES))
  const digest = stringOf(reader, DIGEST_BYTES).toString()
  reader.skip()
  reader.skip()
  if (host.length === 0 || host.some((byte) => byte < 0x20)) throw unfit()
  return { host: host.toString(), salt, digest }
}

function stringOf(reader: MsgpackReader, maxBytes: number): Buffer {
  if (reader.kind !== KINDS.STR && reader.kind !== KINDS.BIN) throw unfit()
  const bytes = reader.binary()
  if (bytes.length > maxBytes) throw unfit()
  return bytes
}

function unfit(): Refusal {
  return new Refusal('login', 'cannot read a PING')
}
