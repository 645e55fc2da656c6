import { pack } from '../../../shared/forward/encode.ts'
import { type Commit, printCommit } from '../../../shared/forward/lineage.ts'
import type { ServerHello } from '../../../shared/forward/own.ts'

const ACK_HEAD = Buffer.from([0x81, 0xa3, 0x61, 0x63, 0x6b])
const TWO_KEYS = Buffer.from([0x82])
const HELLO_HEAD = Buffer.from([0x82, 0xa3, 0x61, 0x63, 0x6b])
const HELLO_KEY = pack('swarmlogs')
const AT_KEY = pack('at')

/** The ack of a chunk: `{"ack": chunk}`, the id echoed byte for byte as msgpack str. */
export function ackOf(chunk: Buffer): Buffer {
  return Buffer.concat([ACK_HEAD, stringHead(chunk.length), chunk])
}

/** The same with what store it is of: `{"ack": chunk, "at": commit}`. */
export function withCommit(ack: Buffer, commit: Commit): Buffer {
  return Buffer.concat([TWO_KEYS, ack.subarray(1), AT_KEY, pack(printCommit(commit))])
}

/** The ack of an agent's hello: `{"ack": chunk, "swarmlogs": hello}`. */
export function helloAckOf(chunk: Buffer, hello: ServerHello): Buffer {
  return Buffer.concat([HELLO_HEAD, stringHead(chunk.length), chunk, HELLO_KEY, pack(hello)])
}

function stringHead(length: number): Buffer {
  if (length < 32) return Buffer.from([0xa0 | length])
  return length < 256 ? Buffer.from([0xd9, length]) : Buffer.from([0xda, length >> 8, length & 255])
}
