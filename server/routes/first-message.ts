import { once } from 'node:events'
import type { WebSocket } from '@fastify/websocket'
import { Problem } from '../problem.ts'

/** The first message of a socket, read as JSON. Throws a Problem when none comes within so many ms, or when it is no JSON; rejects when the signal aborts. */
export async function firstMessage(socket: WebSocket, ms: number, signal: AbortSignal): Promise<unknown> {
  const late = AbortSignal.timeout(ms)
  try {
    // It is listened for at once: what comes before that is lost.
    const [data] = await once(socket, 'message', { signal: AbortSignal.any([signal, late]) })
    return parsed(String(data))
  } catch (error) {
    throw late.aborted && !signal.aborted ? tooLate(ms) : error
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw unusable('cannot read the first message: send the parameters as one JSON object', { cause })
  }
}

function tooLate(ms: number): Problem {
  return unusable(`cannot wait for the parameters any longer: send them as the first message within ${ms / 1000} s`)
}

function unusable(message: string, options?: ErrorOptions): Problem {
  return new Problem('SWARMLOGS_USAGE', 400, { code: 'bad_request', message }, options)
}
