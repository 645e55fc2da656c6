import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'

/** A request that was made of the server. */
export interface Seen {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
}

/** What becomes of a request: it goes on, never does, loses its connection, gets this status, or so many bytes of its answer. */
export type Fate = 'pass' | 'hold' | 'cut' | { readonly status: number } | { readonly bytes: number }

/** A way to a server on which things go wrong, and all requests are seen. */
export interface Wire {
  readonly url: string
  readonly seen: Seen[]
  /** Decides about each request; at first all pass. */
  fate: (seen: Seen) => Fate
  /** Resolves when this many requests are held. */
  held(count: number): Promise<void>
  /** Ends the connections of those. */
  cutHeld(): void
  close(): void
}

/** Opens a way to a server. */
export async function openWire(target: string): Promise<Wire> {
  const held: Socket[] = []
  const waiting = new Set<() => void>()
  const server = createServer((incoming, outgoing) => {
    const { pathname, searchParams } = new URL(incoming.url ?? '/', target)
    const seen = { method: incoming.method ?? '', path: pathname, query: searchParams, headers: incoming.headers }
    wire.seen.push(seen)
    const fate = wire.fate(seen)
    if (fate === 'pass' || (typeof fate === 'object' && 'bytes' in fate))
      return void forward(target, incoming, outgoing, fate === 'pass' ? Number.POSITIVE_INFINITY : fate.bytes)
    if (fate === 'cut') return void incoming.socket.destroy()
    incoming.resume()
    if (typeof fate === 'object') return void incoming.on('end', () => outgoing.writeHead(fate.status).end())
    held.push(incoming.socket)
    for (const check of waiting) check()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const wire: Wire = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    fate: () => 'pass',
    held: (count) =>
      new Promise((resolve) => {
        const check = () => {
          if (held.length >= count && waiting.delete(check)) resolve()
        }
        waiting.add(check)
        check()
      }),
    cutHeld: () => {
      for (const socket of held) socket.destroy()
    },
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
  return wire
}

async function forward(target: string, incoming: IncomingMessage, outgoing: ServerResponse, maxBytes: number) {
  // A request that failed has none any more.
  const { method, headers, url = '/', socket } = incoming
  const onward = request(new URL(url, target), { method, headers })
  const answered = once(onward, 'response')
  // Sending fails with it.
  answered.catch(() => undefined)
  try {
    await pipeline(incoming, onward)
    const [answer]: IncomingMessage[] = await answered
    if (answer === undefined) return
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
    let left = maxBytes
    for await (const piece of answer) {
      outgoing.write(piece.subarray(0, left))
      left -= piece.length
      if (left <= 0) break
    }
    if (left > 0) return void outgoing.end()
    // What was written must get there before the connection goes.
    outgoing.write('', () => socket.destroySoon())
  } catch {
    socket.destroy()
  }
}
