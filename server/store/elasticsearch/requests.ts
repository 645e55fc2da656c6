import { readFileSync } from 'node:fs'
import { Client, type DiagnosticResult, errors } from '@elastic/elasticsearch'
import { SwarmlogsError } from '../../../shared/errors.ts'
import { NodePool } from './node-pool.ts'
import { type ElasticOptions, named } from './options.ts'

/** The client's own default is ten minutes. */
const TIMEOUT_MS = 30_000
/** An answer is never larger: pages of lines shrink instead. */
const MAX_RESPONSE_BYTES = 128 * 2 ** 20

/** What a request may carry beside method and path. */
export interface RequestOptions {
  readonly body?: object
  /** Lines of `_bulk`, each ending in a newline. */
  readonly lines?: string | Buffer
  readonly query?: Readonly<Record<string, string | number | boolean>>
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs?: number
  /** How often the client asks another node when one is away; default 3. */
  readonly retries?: number
}

/** Sends requests to the cluster; by path, as only what every distribution has is used. */
export class Requests {
  readonly #client: Client

  /** Throws SWARMLOGS_CONFIG when the CA file cannot be read or a URL is none. */
  constructor(options: Pick<ElasticOptions, 'urls' | 'auth' | 'caFile'>) {
    const { urls, auth, caFile } = options
    for (const url of urls) checkUrl(url)
    this.#client = new Client({
      nodes: [...urls],
      ...(auth && { auth }),
      ...(caFile !== undefined && { tls: { ca: readCa(caFile) } }),
      ConnectionPool: NodePool,
      requestTimeout: TIMEOUT_MS,
      // By default an error gets a copy of the whole request, made of one entry for each byte of its body: seconds, and hundreds of megabytes.
      redaction: { type: 'remove' },
      // Lines may hold members of any name; nothing of an answer is merged into another object.
      disablePrototypePoisoningProtection: true,
    })
  }

  /** Throws what the client throws; see failure.ts. */
  async send<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    try {
      return await this.#send<T>(method, path, options)
    } catch (error) {
      throw withoutRequest(error)
    }
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  async #send<T>(method: string, path: string, options: RequestOptions): Promise<T> {
    const { body, lines, query, headers, signal, timeoutMs = TIMEOUT_MS, retries = 3 } = options
    return this.#client.transport.request<T>(
      {
        method,
        path,
        ...(query && { querystring: { ...query } }),
        ...(body && { body }),
        ...(lines !== undefined && { bulkBody: lines }),
      },
      {
        requestTimeout: timeoutMs,
        maxRetries: retries,
        // In seconds; the client's own would make a start against a wrong address take eight.
        retryBackoff: (_min, _max, attempt) => attempt * 0.1,
        maxResponseSize: MAX_RESPONSE_BYTES,
        ...(headers && { headers: { ...headers } }),
        ...(signal && { signal }),
      },
    )
  }
}

/** The client's errors carry what was asked: megabytes of somebody's lines, which must neither be kept nor logged. */
function withoutRequest(error: unknown): unknown {
  const isOfClient = error instanceof errors.ElasticsearchClientError && 'meta' in error
  const meta = isOfClient ? (error.meta as DiagnosticResult | undefined) : undefined
  const params = meta?.meta.request.params
  if (params !== undefined) params.body = ''
  return error
}

function checkUrl(url: string): void {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return
  throw new SwarmlogsError(
    'SWARMLOGS_CONFIG',
    `cannot use '${url}' as address of Elasticsearch: set ${named('elasticsearch')} to URLs such as https://elastic1:9200`,
  )
}

function readCa(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new SwarmlogsError(
      'SWARMLOGS_CONFIG',
      `cannot read the CA file '${path}' for Elasticsearch: check ${named('elasticsearch-ca')}`,
      {
        cause: error,
      },
    )
  }
}
