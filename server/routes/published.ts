/** The part of a schema of parameters that tells which must be given. */
interface Parameters {
  readonly properties?: Readonly<Record<string, object>>
  readonly required?: readonly string[]
}

interface Schema {
  readonly querystring?: unknown
  readonly body?: unknown
}

/** A route's schema as the OpenAPI document has it: what has a default need not be given. */
export function published<Given extends { readonly schema: Schema | undefined; readonly url: string }>({
  schema,
  url,
}: Given) {
  const { querystring, body } = schema ?? {}
  return {
    schema: {
      ...schema,
      ...(isObject(querystring) && { querystring: relaxed(querystring) }),
      ...(isObject(body) && { body: relaxed(body) }),
    },
    url,
  }
}

function relaxed(parameters: Parameters): object {
  const { properties = {}, required = [] } = parameters
  return { ...parameters, required: required.filter((name) => !('default' in (properties[name] ?? {}))) }
}

function isObject(value: unknown): value is Parameters {
  return typeof value === 'object' && value !== null && 'properties' in value
}
