import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { Context } from '../context.ts'

/** A signal that aborts when the client is gone or the answer complete. */
export function clientGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  return gone.signal
}

/**
 * Sends chunks as they come, never more than the client takes. It is begun before the headers are sent, so that
 * an error up to the first chunk is answered with a status; one after it cuts the answer off. A client that takes nothing for
 * `stalledMs` gets no more than an end that says so; one that does not even take that is cut off after the same time again.
 */
export async function sendStreamed(
  context: Context,
  reply: FastifyReply,
  chunksOf: (signal: AbortSignal) => AsyncGenerator<Buffer>,
): Promise<FastifyReply> {
  const release = context.slots.take()
  reply.raw.once('close', release)
  const stalled = new AbortController()
  const signal = AbortSignal.any([clientGone(reply), context.stopping, stalled.signal])
  try {
    const chunks = chunksOf(signal)
    const first = await chunks.next()
    reply.header('x-accel-buffering', 'no')
    const watched = watch(begunWith(first, chunks), context.timing.stalledMs, stalled, reply)
    return reply.send(Readable.from(watched, { objectMode: true, highWaterMark: 1 }))
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

/** Watches how long the client takes for each chunk. */
async function* watch<Item>(
  chunks: AsyncGenerator<Item>,
  stalledMs: number,
  stalled: AbortController,
  reply: FastifyReply,
): AsyncGenerator<Item> {
  const message = 'cannot go on with this answer: its client took nothing of it for too long; ask again for the rest'
  let timer: NodeJS.Timeout | undefined
  const cut = (): void => {
    reply.raw.destroy()
  }
  const stall = (): void => {
    stalled.abort(new SwarmlogsError('SWARMLOGS_LIMIT', message))
    timer = setTimeout(cut, stalledMs)
  }
  try {
    for await (const chunk of chunks) {
      timer = setTimeout(stall, stalledMs)
      yield chunk
      clearTimeout(timer)
    }
  } finally {
    clearTimeout(timer)
  }
}
