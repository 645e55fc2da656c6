import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { Context } from '../context.ts'

/** A signal that aborts when the client is gone or the answer complete. */
export function clientGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  return gone.signal
}

/**
 * Sends chunks as they come, never more than the client takes. It is begun before the headers are sent, so that
 * an error up to the first chunk is answered with a status; one after it cuts the answer off.
 */
export async function sendStreamed(
  context: Context,
  reply: FastifyReply,
  chunksOf: (signal: AbortSignal) => AsyncGenerator<Buffer>,
): Promise<FastifyReply> {
  const release = context.slots.take()
  reply.raw.once('close', release)
  const signal = AbortSignal.any([clientGone(reply), context.stopping])
  try {
    const chunks = chunksOf(signal)
    const first = await chunks.next()
    reply.header('x-accel-buffering', 'no')
    return reply.send(Readable.from(begunWith(first, chunks), { objectMode: true, highWaterMark: 1 }))
  } catch (error) {
    release()
    throw error
  }
}

async function* begunWith<Item>(first: IteratorResult<Item>, rest: AsyncGenerator<Item>): AsyncGenerator<Item> {
  try {
    if (first.done) return
    yield first.value
    yield* rest
  } finally {
    await rest.return(undefined)
  }
}
