import { type Environment, environmentName, type Flags, listSetting, setting } from '../../shared/settings.ts'
import { parseDuration } from '../../shared/time.ts'
import { conflict, ofSetting, unusable, wholeNumber } from './values.ts'

/** Which Elasticsearch holds the lines, and how to get in. */
export interface ElasticsearchConfig {
  /** Its nodes; any of them may be away. */
  readonly urls: readonly string[]
  readonly auth?: { readonly apiKey: string } | { readonly username: string; readonly password: string }
  /** PEM file of the authority that signed the nodes' certificates. */
  readonly caFile?: string
  /** What the names of all our indices begin with. */
  readonly prefix?: string
  /** Primary shards of a day's index. */
  readonly shards?: number
  /** Copies of each shard. */
  readonly replicas?: number
  /** How soon lines are found by a search. */
  readonly refreshMs?: number
}

const MIN_REFRESH_MS = 100
const MAX_REFRESH_MS = 60_000

/** Reads `--store` and what belongs to it; undefined for the embedded store. */
export function elasticsearchConfig(flags: Flags, env: Environment): ElasticsearchConfig | undefined {
  const urls = listSetting(flags, env, 'elasticsearch')
  const store = setting(flags, env, 'store') ?? (urls.length > 0 ? 'elasticsearch' : 'embedded')
  if (store === 'embedded') {
    if (urls.length === 0) return undefined
    throw conflict(`cannot use ${named('elasticsearch')} with --store embedded: give --store elasticsearch, or no URL`)
  }
  if (store !== 'elasticsearch') throw unusable('store', store, 'give embedded or elasticsearch')
  if (urls.length === 0)
    throw conflict(
      `cannot use --store elasticsearch without ${named('elasticsearch')}: give its URL, such as https://HOST:9200`,
    )
  for (const url of urls) checkUrl(url)
  return Object.freeze({ urls, ...authOf(flags, env), ...options(flags, env) })
}

function options(flags: Flags, env: Environment): Omit<ElasticsearchConfig, 'urls' | 'auth'> {
  const caFile = setting(flags, env, 'elasticsearch-ca')
  const prefix = prefixOf(flags, env)
  const shards = wholeNumber(flags, env, 'elasticsearch-shards', { min: 1, max: 1024 })
  const replicas = wholeNumber(flags, env, 'elasticsearch-replicas', { min: 0, max: 100 })
  const refreshMs = refresh(setting(flags, env, 'elasticsearch-refresh'))
  return {
    ...(caFile !== undefined && { caFile }),
    ...(prefix !== undefined && { prefix }),
    ...(shards !== undefined && { shards }),
    ...(replicas !== undefined && { replicas }),
    ...(refreshMs !== undefined && { refreshMs }),
  }
}

function checkUrl(text: string): void {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '')
    throw unusable('elasticsearch', text, 'give URLs with commas between them, such as https://HOST:9200')
  // The text of the URL would take the password into logs and errors, this one included.
  if (url.username !== '' || url.password !== '')
    throw conflict(
      `cannot use a user or password in ${named('elasticsearch')}: give --elasticsearch-user and --elasticsearch-password-file`,
    )
}

function authOf(flags: Flags, env: Environment): Pick<ElasticsearchConfig, 'auth'> {
  const apiKey = setting(flags, env, 'elasticsearch-api-key')
  const username = setting(flags, env, 'elasticsearch-user')
  const password = setting(flags, env, 'elasticsearch-password')
  if (apiKey !== undefined && (username !== undefined || password !== undefined))
    throw conflict(
      `cannot use ${named('elasticsearch-api-key')} and a user or password together: give only one of them`,
    )
  if (apiKey !== undefined) return { auth: { apiKey } }
  if (username === undefined && password === undefined) return {}
  if (username !== undefined && password !== undefined) return { auth: { username, password } }
  throw conflict(
    `cannot use only one of ${named('elasticsearch-user')} and --elasticsearch-password-file (SWARMLOGS_ELASTICSEARCH_PASSWORD_FILE): give both`,
  )
}

function prefixOf(flags: Flags, env: Environment): string | undefined {
  const text = setting(flags, env, 'elasticsearch-prefix')
  if (text === undefined || /^[a-z][a-z0-9_-]{0,99}$/.test(text)) return text
  throw unusable('elasticsearch-prefix', text, 'give lower-case letters, digits, - and _, a letter first')
}

function refresh(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const ms = Number(ofSetting('elasticsearch-refresh', () => parseDuration(text)) / 1_000_000n)
  if (ms >= MIN_REFRESH_MS && ms <= MAX_REFRESH_MS) return ms
  throw unusable('elasticsearch-refresh', text, 'give a duration from 100ms to 1m')
}

function named(name: string): string {
  return `--${name} (${environmentName(name)})`
}
