import { once } from 'node:events'
import { connect } from 'node:net'
import { chunks } from './chunks.ts'

/** `{"ack": id}` with the id of 32 characters that `chunks` gives. */
const ACK_BYTES = 5 + 2 + 32

/** Sends lines over the forward port as agents would, spread over the containers of `web` and the last hour; resolves when all are acked. */
export async function fill(forward: string, wanted: { containers: number; lines: number }): Promise<void> {
  await deliver(forward, chunks(wanted))
}

/** Sends the frames of `chunks`, so many of them unacked at a time; resolves when all are acked. */
export async function deliver(
  forward: string,
  frames: AsyncIterable<Buffer> | Iterable<Buffer>,
  inFlight = 1,
): Promise<void> {
  const [host, port] = forward.split(':')
  const socket = connect(Number(port), host)
  await once(socket, 'connect')
  const acked = acksOf(socket)
  const closed = once(socket, 'close').then((): never => {
    throw new Error('cannot deliver: the server closed the connection, as it could not store a chunk')
  })
  closed.catch(() => {})
  const next = (): Promise<unknown> => Promise.race([once(socket, 'data'), closed])
  let sent = 0
  for await (const frame of frames) {
    while (sent - acked() >= inFlight) await next()
    socket.write(frame)
    sent++
  }
  while (acked() < sent) await next()
  socket.destroy()
}

function acksOf(socket: NodeJS.ReadableStream): () => number {
  let bytes = 0
  socket.on('data', (data: Buffer) => {
    bytes += data.length
  })
  return () => Math.floor(bytes / ACK_BYTES)
}
