import { parse } from 'node:querystring'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Static, TObject } from 'typebox'
import { NoParameters, rewriteFlags } from '../query/parameters.ts'
import { tooLarge, wrongMedia } from './documents.ts'

/** The document of a question that is asked by GET. */
export interface Document<Parameters extends TObject> {
  readonly operationId: string
  readonly summary: string
  readonly querystring: Parameters
  readonly response: Readonly<Record<number, object>>
}

/** One question as it came in. */
export interface Asking<Parameters> {
  readonly parameters: Parameters
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** Longer than that no question is. */
export const MAX_BODY = 1024 * 1024
const FORM = 'application/x-www-form-urlencoded'
const BODY_TYPES = ['application/json', FORM] as const

/** Answers a question by GET, and by POST where its parameters, as JSON or as a form, are too long for an address. */
export function ask<Parameters extends TObject>(
  app: FastifyInstance,
  path: string,
  schema: Document<Parameters>,
  answer: (asking: Asking<Static<Parameters>>) => Promise<unknown>,
): void {
  app.get(path, { schema, preValidation: flagsRewritten }, (request, reply) => {
    return answer({ parameters: request.query as Static<Parameters>, request, reply })
  })
  app.post(path, byPost(app, schema), (request, reply) => {
    return answer({ parameters: request.body as Static<Parameters>, request, reply })
  })
}

/** Lets flags be given as docker gives them. */
export async function flagsRewritten(request: FastifyRequest): Promise<void> {
  rewriteFlags(request.query as Record<string, unknown>)
}

/** What a route is made with that takes by POST what the address of the document takes by GET. */
export function byPost<Parameters extends TObject>(app: FastifyInstance, schema: Document<Parameters>) {
  takeForms(app)
  const { operationId, summary, querystring } = schema
  const { 101: _, 304: __, ...response } = schema.response
  const posted = {
    ...schema,
    operationId: `${operationId}ByPost`,
    summary: `${summary}, with the parameters as JSON or as a form`,
    consumes: [...BODY_TYPES],
    querystring: NoParameters,
    body: { ...querystring, examples: [exampleOf(querystring)] },
    response: { ...response, 413: tooLarge, 415: wrongMedia },
  }
  return { schema: posted, bodyLimit: MAX_BODY, config: { bodyTypes: BODY_TYPES } }
}

/** Only questions may come as forms: browsers send those to other sites without asking first. */
function takeForms(app: FastifyInstance): void {
  if (app.hasContentTypeParser(FORM)) return
  app.removeContentTypeParser('text/plain')
  app.addContentTypeParser(FORM, { parseAs: 'string' }, (_request, body, done) => {
    const parameters = { ...parse(String(body), '&', '=', { maxKeys: 0 }) }
    rewriteFlags(parameters)
    done(null, parameters)
  })
}

/** What must be given, as its examples have it, and a time. */
function exampleOf({ properties, required }: TObject): object {
  const example: Record<string, unknown> = { since: '1h' }
  for (const name of (required as readonly string[] | undefined) ?? []) {
    const { examples, default: usual } = properties[name] as { examples?: readonly unknown[]; default?: unknown }
    if (usual === undefined) example[name] = examples?.[0]
  }
  return example
}
