import { createHash, timingSafeEqual } from 'node:crypto'
import bearerAuth from '@fastify/bearer-auth'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ApiProblem } from '../shared/api/basics.ts'

/** What a protocol of a WebSocket begins with of which the rest is a token, as base64url. */
const TOKEN_PROTOCOL = 'swarmlogs.bearer.'

const message = 'cannot serve this without a valid token: send Authorization: Bearer TOKEN with a token of the server'
const body: ApiProblem = { error: { code: 'unauthorized', message } }

/** Asks all routes of this scope for one of the tokens; they are read anew for each request, so that they can be rotated. None: all may pass. */
export async function requireToken(app: FastifyInstance, tokens: () => readonly string[]): Promise<void> {
  await app.register(bearerAuth, { keys: [], addHook: false, specCompliance: 'rfc6749' })
  const verify = app.verifyBearerAuthFactory?.({
    keys: [],
    specCompliance: 'rfc6749',
    auth: (token) => isOneOf(token, tokens()),
    verifyErrorLogLevel: 'debug',
    contentType: 'application/json; charset=utf-8',
    // The plugin's type knows its own form of errors only.
    errorResponse: () => body as unknown as { error: string },
  })
  if (verify === undefined) throw new Error('BUG: no bearer authentication')
  app.addHook('onRequest', (request, reply, done) => {
    if (tokens().length === 0) return done()
    if (request.ws) request.headers.authorization ??= offeredToken(request)
    reply.header('www-authenticate', 'Bearer realm="swarmlogs"')
    verify(request, reply, (error) => {
      if (error === undefined) reply.removeHeader('www-authenticate')
      done(error)
    })
  })
}

/** The token that a page offers as a protocol of its WebSocket, as it cannot set a header; an address would be written into logs. */
function offeredToken({ headers }: FastifyRequest): string | undefined {
  const offered = headers['sec-websocket-protocol']?.split(',').map((text) => text.trim())
  const token = offered?.find((protocol) => protocol.startsWith(TOKEN_PROTOCOL))?.slice(TOKEN_PROTOCOL.length)
  return token === undefined ? undefined : `Bearer ${Buffer.from(token, 'base64url').toString()}`
}

/** Whether a token is one of those known. Compares with every one in constant time, whatever their lengths. */
export function isOneOf(token: string, tokens: readonly string[]): boolean {
  const given = digest(token)
  let isFound = false
  for (const known of tokens) isFound = timingSafeEqual(digest(known), given) || isFound
  return isFound
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
