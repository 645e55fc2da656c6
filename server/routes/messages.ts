import type { IncomingMessage } from 'node:http'
import websocket, { type WebSocket } from '@fastify/websocket'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Context } from '../context.ts'
import { Problem, problemOf } from '../problem.ts'
import { MAX_BODY } from './asking.ts'

/** How long a client has to answer a goodbye. */
const GOODBYE_MS = 1_000
/** Codes of RFC 6455. */
const [GOING_AWAY, REFUSED, FAILED, TRY_AGAIN] = [1001, 1008, 1011, 1013]
/** Bytes of a reason that a close frame has room for. */
const MAX_REASON = 123
/** What a client offers beside its token. */
const PROTOCOL = 'swarmlogs'

/** Whether a request wants to become a WebSocket. */
export function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket'
}

/** Lets routes answer over WebSockets, to pages of no other site: browsers let those ask any server. */
export async function openSockets(app: FastifyInstance): Promise<void> {
  await app.register(websocket, {
    options: {
      // Clients have nothing to say but what they ask.
      maxPayload: MAX_BODY,
      perMessageDeflate: false,
      // Never the one that holds the token.
      handleProtocols: (offered) => offered.has(PROTOCOL) && PROTOCOL,
    },
    errorHandler: (error, socket) => refuse(socket, error),
    // Their senders end them, with a note that says why.
    preClose(this: FastifyInstance, done: () => void) {
      for (const client of this.websocketServer.clients) endSoon(client)
      done()
    },
  })
  app.addHook('onRequest', async (request, reply) => {
    if (!request.ws) return
    // What is no WebSocket in the end is closed behind the answer.
    reply.header('connection', 'close')
    if (isForeign(request)) throw foreignPage()
  })
}

/**
 * Sends texts as messages, as they come and never more than the client takes; nothing is a ping. A client that takes nothing for `stalledMs` is
 * cut off.
 */
export async function sendMessages(
  context: Context,
  socket: WebSocket,
  textsOf: (signal: AbortSignal) => AsyncGenerator<readonly string[]>,
): Promise<void> {
  const gone = new AbortController()
  socket.once('close', () => gone.abort())
  const signal = AbortSignal.any([gone.signal, context.stopping])
  const release = context.slots.take()
  try {
    for await (const texts of textsOf(signal)) {
      const timer = setTimeout(() => socket.terminate(), context.timing.stalledMs)
      await (texts.length === 0 ? ping(socket) : send(socket, texts))
      clearTimeout(timer)
      if (gone.signal.aborted) return
    }
  } finally {
    release()
    socket.close(GOING_AWAY)
    endSoon(socket)
  }
}

/** Closes a socket for a reason, which its client is told; one that is closing has its own. */
export function refuse(socket: WebSocket, error: unknown): void {
  const { status, message } = problemOf(error)
  const code = status === 429 || status === 503 ? TRY_AGAIN : status < 500 ? REFUSED : FAILED
  // A letter that is cut through is left out.
  const reason = new TextDecoder().decode(Buffer.from(message).subarray(0, MAX_REASON), { stream: true })
  socket.close(code, reason)
  endSoon(socket)
}

/** Resolves when the last one is sent, or the client is gone. */
function send(socket: WebSocket, texts: readonly string[]): Promise<void> {
  const last = texts.length - 1
  return new Promise((resolve) => {
    for (const [index, text] of texts.entries()) socket.send(text, index === last ? () => resolve() : undefined)
  })
}

function ping(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => socket.ping(undefined, undefined, () => resolve()))
}

function endSoon(socket: WebSocket): void {
  const timer = setTimeout(() => socket.terminate(), GOODBYE_MS)
  socket.once('close', () => clearTimeout(timer))
  if (socket.readyState === socket.CLOSED) clearTimeout(timer)
}

function isForeign({ headers: { origin, host } }: FastifyRequest): boolean {
  return origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== host)
}

function foreignPage(): Problem {
  const message = 'cannot open a WebSocket for a page of another site: connect without an Origin, or from this server'
  return new Problem('SWARMLOGS_UNAUTHORIZED', 403, { code: 'forbidden_origin', message })
}
