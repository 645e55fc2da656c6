import { setTimeout as delay } from 'node:timers/promises'
import { pack } from '../../../shared/forward/encode.ts'
import { wholeMessages } from './messages.ts'
import type { Weather } from './network.ts'
import type { Scene } from './scene.ts'

/** Takes so many bytes a second, in pieces of 100. */
export function slow(bytesPerSecond: number): Weather {
  const PIECE = 100
  return async function* (bytes) {
    for (let at = 0; at < bytes.length; at += PIECE) {
      await delay((1000 * PIECE) / bytesPerSecond)
      yield bytes.subarray(at, at + PIECE)
    }
  }
}

/** Each byte in a segment of its own. */
export function byteByByte(): Weather {
  return async function* (bytes) {
    for (let at = 0; at < bytes.length; at++) {
      yield bytes.subarray(at, at + 1)
      await new Promise(setImmediate)
    }
  }
}

/** All acks of 300 ms come at once. */
export function late(): Weather {
  return async function* (bytes) {
    await delay(300)
    yield bytes
  }
}

/** Every ack comes twice. */
export function twice(): Weather {
  return messageWise((acks) => acks.flatMap((ack) => [ack, ack]))
}

/** With the acks comes one of a chunk that nobody sent. */
export function unknown({ random }: Scene): Weather {
  return messageWise((acks) => [...acks, pack({ ack: `nobody${random.between(0, 1e9)}` })])
}

/** Acks come in another order; the last one is held until there is a next. */
export function swapped(): Weather {
  let held: Buffer[] = []
  return messageWise((acks) => {
    const ready = [...acks, ...held].toReversed()
    held = ready.splice(0, 1)
    return ready
  })
}

/** Weather that sees whole messages; the greeting of each connection passes as it is. */
function messageWise(change: (messages: Buffer[]) => Buffer[]): Weather {
  const whole = wholeMessages()
  return (bytes, link) => {
    if (link.received.down === bytes.length) return [bytes]
    return change(whole(bytes, link).map((message) => message.bytes))
  }
}
