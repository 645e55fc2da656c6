declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the document says of a body that is read as a stream. */
    body?: object
    /** Which types of bodies it takes, when not only JSON. */
    bodyTypes?: readonly string[]
  }
}

/** The part of a schema of parameters that tells which must be given. */
interface Parameters {
  readonly properties?: Readonly<Record<string, object>>
  readonly required?: readonly string[]
}

interface Given {
  readonly schema?: { readonly querystring?: unknown; readonly body?: unknown } | undefined
  readonly url: string
  readonly route: { readonly config?: { readonly body?: object } | undefined }
}

/** A route's schema as the OpenAPI document has it: what has a default need not be given. */
export function published({ schema, url, route }: Given): { schema: object; url: string } {
  const { querystring, body = route.config?.body } = schema ?? {}
  const parts = {
    ...(querystring !== undefined && { querystring: relaxed(querystring) }),
    ...(body !== undefined && { body: relaxed(body) }),
  }
  return { schema: { ...schema, ...parts }, url }
}

function relaxed(given: unknown): unknown {
  if (typeof given !== 'object' || given === null || !('properties' in given)) return given
  const { properties = {}, required = [] } = given as Parameters
  return { ...given, required: required.filter((name) => !('default' in (properties[name] ?? {}))) }
}
