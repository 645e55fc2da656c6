import type { FastifyInstance } from 'fastify'
import { isOneOf } from '../auth.ts'
import { Problem } from '../problem.ts'

const BASIC = /^basic +([A-Za-z0-9+/=_-]+) *$/i
const BEARER = /^bearer +(\S+) *$/i

/** Asks all routes of this scope for one of the tokens, as Bearer or as the password of Basic: Loki's clients know both. None: all may pass. */
export function requireTokenOrPassword(app: FastifyInstance, tokens: () => readonly string[]): void {
  app.addHook('onRequest', async (request, reply) => {
    const known = tokens()
    if (known.length === 0) return
    const given = tokenOf(request.headers.authorization ?? '')
    if (given !== undefined && isOneOf(given, known)) return
    reply.header('www-authenticate', 'Bearer realm="swarmlogs", Basic realm="swarmlogs"')
    const message =
      'cannot serve this without a valid token: send one of the server as Bearer, or as the password of Basic'
    throw new Problem('SWARMLOGS_UNAUTHORIZED', 401, { code: 'unauthorized', message })
  })
}

function tokenOf(header: string): string | undefined {
  const basic = BASIC.exec(header)?.[1]
  if (basic === undefined) return BEARER.exec(header)?.[1]
  const pair = Buffer.from(basic, 'base64').toString()
  return pair.includes(':') ? pair.slice(pair.indexOf(':') + 1) : undefined
}
