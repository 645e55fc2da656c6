import { readFileSync } from 'node:fs'
import { request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import { text } from 'node:stream/consumers'

/** How a cluster is reached. */
export interface Access {
  readonly urls: readonly string[]
  readonly caFile?: string
  readonly user?: string
  readonly password?: string
}

/** What a node answered. */
export interface Answer {
  readonly status: number
  readonly body: string
}

/** Asks the nodes of a cluster in turn, or node `only`, until one answers within 15 s. A body that is no string is sent as JSON. */
export async function call(
  access: Access,
  method: string,
  path: string,
  { body, only }: { readonly body?: unknown; readonly only?: number },
): Promise<Answer> {
  const urls = only === undefined ? access.urls : access.urls.slice(only - 1, only)
  const errors: unknown[] = []
  for (const url of urls) {
    try {
      return await ask(access, method, new URL(path, url), body)
    } catch (error) {
      errors.push(error)
    }
  }
  throw new AggregateError(errors, `cannot reach Elasticsearch at ${urls.join(', ')}: ${errors.map(String).join('; ')}`)
}

function ask(access: Access, method: string, url: URL, body: unknown): Promise<Answer> {
  const { user, password, caFile } = access
  // A body of lines is a bulk request; the API takes it as such by its type.
  const [type, payload] =
    typeof body === 'string' ? ['application/x-ndjson', body] : ['application/json', body && JSON.stringify(body)]
  const options = {
    method,
    headers: { 'content-type': type },
    timeout: 15_000,
    ...(user === undefined ? {} : { auth: `${user}:${password}` }),
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
  }
  return new Promise((resolve, reject) => {
    const sent = (url.protocol === 'https:' ? secureRequest : plainRequest)(url, options, (response) => {
      text(response).then((said) => resolve({ status: response.statusCode ?? 0, body: said }), reject)
    })
    sent.on('error', reject)
    sent.on('timeout', () => sent.destroy(new Error('no answer in 15 s')))
    sent.end(payload)
  })
}
