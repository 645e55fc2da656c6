import type { Socket } from 'node:net'
import { Unpackr } from 'msgpackr'
import { SwarmlogsError } from '../../shared/errors.ts'

/** HELO, PONG and acks are some 100 bytes; a server that says more at a time is none of ours. */
const MAX_BYTES = 64 * 1024
const TLS_ALERT = 0x15

const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' })

/**
 * What the server says, one msgpack value at a time, wherever the network cuts the bytes. Ends when the server closes; throws
 * SWARMLOGS_PROTOCOL when the bytes are no msgpack, and whatever the socket was destroyed with.
 */
export async function* messages(socket: Socket): AsyncGenerator<unknown, void> {
  let rest: Buffer = Buffer.alloc(0)
  let isFirst = true
  for await (const data of received(socket)) {
    if (isFirst && data[0] === TLS_ALERT) throw protocolError('the server speaks TLS: set --tls (SWARMLOGS_TLS=true)')
    isFirst = false
    const bytes = rest.length === 0 ? data : Buffer.concat([rest, data])
    const { values, consumed } = unpackAll(bytes)
    rest = bytes.subarray(consumed)
    if (rest.length > MAX_BYTES) throw protocolError('it sent more than 64 KiB that make no whole message')
    yield* values
  }
}

async function* received(socket: Socket): AsyncGenerator<Buffer, void> {
  try {
    yield* socket as AsyncIterable<Buffer>
  } catch (cause) {
    const isOfNetwork =
      cause instanceof Error && ('syscall' in cause || ('code' in cause && cause.code === 'ERR_STREAM_PREMATURE_CLOSE'))
    if (!isOfNetwork) throw cause
    throw new SwarmlogsError('SWARMLOGS_SERVER_UNAVAILABLE', `cannot go on talking to the server: ${cause.message}`, {
      cause,
    })
  }
}

/** All whole values, and how many bytes they take. */
function unpackAll(bytes: Buffer): { values: unknown[]; consumed: number } {
  const values: unknown[] = []
  let consumed = 0
  try {
    unpackr.unpackMultiple(bytes, (value: unknown, _start?: number, end?: number) => {
      values.push(value)
      consumed = end ?? consumed
    })
  } catch (error) {
    const isCut = error instanceof Error && 'incomplete' in error && error.incomplete === true
    if (!isCut) throw protocolError('it sent bytes that are no msgpack', error)
  }
  return { values, consumed }
}

/** The error for a server that does not speak as the forward protocol has it. */
export function protocolError(what: string, cause?: unknown): SwarmlogsError {
  return new SwarmlogsError('SWARMLOGS_PROTOCOL', `cannot understand the server: ${what}`, { cause })
}
