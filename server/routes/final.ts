import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { Context } from '../context.ts'
import type { Asked, Missing } from '../missing.ts'
import { rangeOf, type ScopeParameters } from '../query/parameters.ts'

declare module 'fastify' {
  interface FastifyReply {
    /** The same question will always have this answer. */
    isFinal: boolean
    /** It tells what people noted, who may still do so. */
    hasNotes: boolean
  }
}

const DAY_NS = 86_400_000_000_000n
/** Retention ends even what is final. */
const MAX_AGE_S = 3600
const CURSOR = /"cursor":"[\w-]+"/g

/**
 * Whether the answer can never become another one, but for what people note: its times are absolute and past, all lines of them are here, nothing of them has expired, and no line is from a
 * foreign sender, of whom nobody knows when all is sent.
 */
export function isFinal(
  context: Context,
  parameters: ScopeParameters,
  { since, until, matched }: Asked,
  missing: Missing,
): boolean {
  if (since === undefined || until === undefined || until > context.now() || parameters.current) return false
  const tomorrow = rangeOf(parameters, context.now() + DAY_NS)
  const { begins } = context.store.status()
  return (
    tomorrow.since === since &&
    tomorrow.until === until &&
    (begins === undefined || begins <= since) &&
    matched.every(({ stream }) => stream.tag === '' && stream.containerId !== '') &&
    missing.verdict() === 'complete'
  )
}

/** Lets clients keep final answers, and ask whether theirs is still right; those with notes only after asking. */
export function keepFinal(app: FastifyInstance): void {
  app.decorateReply('isFinal', false)
  app.decorateReply('hasNotes', false)
  app.addHook('onSend', async (request, reply, payload) => {
    if (!reply.isFinal || reply.statusCode !== 200) return payload
    reply.header('cache-control', reply.hasNotes ? 'private, no-cache' : `private, max-age=${MAX_AGE_S}`)
    reply.header('vary', 'accept, authorization')
    if (typeof payload !== 'string') return payload
    // Cursors say when they were made, which makes no other answer of it.
    const digest = createHash('sha256').update(payload.replaceAll(CURSOR, '')).digest('base64url')
    const tag = `W/"${digest.slice(0, 22)}"`
    reply.header('etag', tag)
    const known = request.headers['if-none-match']?.split(',').map((text) => text.trim())
    if (!known?.includes(tag)) return payload
    reply.code(304).removeHeader('content-type')
    return ''
  })
}
