import { homedir } from 'node:os'
import { join } from 'node:path'
import { SwarmlogsError } from '../shared/errors.ts'
import { type Environment, environmentName, type Flags, setting, switchSetting } from '../shared/settings.ts'
import { parseDuration } from '../shared/time.ts'
import { type ArchiveConfig, archiveConfig } from './config/archive.ts'
import { type CopyConfig, readCopyConfig } from './config/copy.ts'
import { type ElasticsearchConfig, elasticsearchConfig } from './config/elasticsearch.ts'
import { type PeerName, peersConfig } from './config/peers.ts'
import { retentionRules } from './config/retention.ts'
import { ofSetting, size, unusable } from './config/values.ts'
import type { RetentionRule } from './retention.ts'

const HTTP_REMEDY = 'a token: --token-file or SWARMLOGS_TOKEN_FILE'

const DEFAULT_MIRROR_BYTES = 10 * 2 ** 30

/** Where to listen. */
export interface Listen {
  readonly host: string
  readonly port: number
}

/** Where secrets come from: one a line, all valid at once. A file is read anew when it changes. */
export type SecretSource =
  | { readonly kind: 'none' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string }

/** The server's settings. */
export interface ServerConfig {
  /** Folder of the embedded store. */
  readonly dir: string
  /** Elasticsearch holds the lines, not the embedded store. */
  readonly elasticsearch?: ElasticsearchConfig
  /** Other servers on the same Elasticsearch: names that may stand for several, this one among them. */
  readonly peers?: readonly PeerName[]
  readonly http: Listen
  readonly forward: Listen
  readonly tokens: SecretSource
  readonly sharedKeys: SecretSource
  /** Listen beyond this machine even without token or shared key. */
  readonly isInsecure: boolean
  /** PEM files, for both ports. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string }
  readonly retentionMs: number
  /** Services whose lines are kept for another time; the first that fits counts, before what labels say. */
  readonly retentionRules?: readonly RetentionRule[]
  /** Keep the lines as text files, too. */
  readonly mirror?: { readonly dir: string; readonly maxBytes: number }
  readonly archive: ArchiveConfig
  /** How much time of the store a query may take. */
  readonly queryMs: number
  readonly maxBytes?: number
  readonly segmentBytes?: number
  readonly memoryBytes?: number
}

/** Reads the settings from flags and environment. Throws SWARMLOGS_CONFIG or SWARMLOGS_USAGE, which name the setting. */
export function serverConfig(flags: Flags, env: Environment = process.env): ServerConfig {
  const elasticsearch = elasticsearchConfig(flags, env)
  const peers = peersConfig(flags, env, elasticsearch !== undefined)
  const rules = retentionRules(flags, env)
  const config: ServerConfig = {
    dir: setting(flags, env, 'data') ?? defaultDir(env),
    http: listen(flags, env, 'listen', '127.0.0.1:4280'),
    forward: listen(flags, env, 'forward', '127.0.0.1:24224'),
    tokens: secrets(flags, env, 'token'),
    sharedKeys: secrets(flags, env, 'shared-key'),
    isInsecure: switchSetting(flags, env, 'insecure'),
    ...tls(flags, env),
    retentionMs: retention(setting(flags, env, 'retention') ?? '30d'),
    ...(rules.length > 0 && { retentionRules: rules }),
    queryMs: queryTimeout(setting(flags, env, 'query-timeout') ?? '30s'),
    ...size(flags, env, 'max-size', 'maxBytes'),
    ...mirror(flags, env),
    archive: archiveConfig(flags, env, peers !== undefined),
    ...size(flags, env, 'segment-size', 'segmentBytes'),
    ...size(flags, env, 'memory', 'memoryBytes'),
    ...(elasticsearch !== undefined && { elasticsearch }),
    ...(peers !== undefined && { peers }),
  }
  refuseOpenDoors(config)
  return Object.freeze(config)
}

/** Where a bundle is served, and who may ask. Throws SWARMLOGS_CONFIG or SWARMLOGS_USAGE, which name the setting. */
export function serveConfig(flags: Flags, env: Environment = process.env): { listen: Listen; tokens: SecretSource } {
  const http = listen(flags, env, 'listen', '127.0.0.1:4280')
  const tokens = secrets(flags, env, 'token')
  if (!switchSetting(flags, env, 'insecure')) refuse(http, tokens, 'for HTTP', HTTP_REMEDY)
  return { listen: http, tokens }
}

/** Reads the settings of a copy from flags and environment. Throws SWARMLOGS_CONFIG or SWARMLOGS_USAGE, which name the setting. */
export function copyConfig(flags: Flags, env: Environment = process.env): CopyConfig {
  return readCopyConfig(flags, env)
}

function defaultDir(env: Environment): string {
  if (process.getuid?.() === 0) return '/var/lib/swarmlogs'
  return join(env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'swarmlogs')
}

function listen(flags: Flags, env: Environment, name: string, byDefault: string): Listen {
  const text = setting(flags, env, name) ?? byDefault
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:]+)):(?<port>\d{1,5})$/.exec(text)?.groups
  if (match === undefined || Number(match.port) > 65_535) {
    throw unusable(name, text, 'give HOST:PORT, such as 127.0.0.1:4280, 0.0.0.0:4280 or [::1]:4280')
  }
  return { host: match.v6 ?? match.name ?? '', port: Number(match.port) }
}

/** `NAME` or `NAME-file`; which of them is the same as `setting` finds, but a file is kept as a path. */
function secrets(flags: Flags, env: Environment, name: string): SecretSource {
  const text = setting(flags, env, name)
  if (text === undefined) return { kind: 'none' }
  const key = name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
  const variable = environmentName(name)
  if (flags[key] !== undefined) return { kind: 'text', text }
  const path = flags[`${key}File`] ?? (env[variable] ? undefined : env[`${variable}_FILE`])
  return path === undefined ? { kind: 'text', text } : { kind: 'file', path: String(path) }
}

function tls(flags: Flags, env: Environment): Pick<ServerConfig, 'tls'> {
  const certFile = setting(flags, env, 'tls-cert')
  const keyFile = setting(flags, env, 'tls-key')
  if (certFile === undefined && keyFile === undefined) return {}
  if (certFile !== undefined && keyFile !== undefined) return { tls: { certFile, keyFile } }
  const message = 'cannot use only one of --tls-cert and --tls-key (SWARMLOGS_TLS_CERT, SWARMLOGS_TLS_KEY): give both'
  throw new SwarmlogsError('SWARMLOGS_CONFIG', message)
}

function mirror(flags: Flags, env: Environment): Pick<ServerConfig, 'mirror'> {
  const dir = setting(flags, env, 'mirror')
  if (dir === undefined) return {}
  const { maxBytes = DEFAULT_MIRROR_BYTES } = size(flags, env, 'mirror-max-size', 'maxBytes')
  return { mirror: { dir, maxBytes } }
}

function retention(text: string): number {
  const ms = Number(ofSetting('retention', () => parseDuration(text)) / 1_000_000n)
  if (ms > 0) return ms
  throw unusable('retention', text, 'give how long lines are kept, such as 30d')
}

function queryTimeout(text: string): number {
  const ms = Number(ofSetting('query-timeout', () => parseDuration(text)) / 1_000_000n)
  if (ms > 0 && ms < 2 ** 31) return ms
  throw unusable('query-timeout', text, 'give how long a query may take, such as 30s')
}

/** Whoever can reach an open port could read all lines, or write any. */
function refuseOpenDoors({ http, forward, tokens, sharedKeys, isInsecure }: ServerConfig): void {
  if (isInsecure) return
  refuse(http, tokens, 'for HTTP', HTTP_REMEDY)
  refuse(forward, sharedKeys, 'for agents', 'a shared key: --shared-key-file or SWARMLOGS_SHARED_KEY_FILE')
}

function refuse({ host, port }: Listen, source: SecretSource, purpose: string, remedy: string): void {
  if (isLoopback(host) || source.kind !== 'none') return
  const message = `cannot listen ${purpose} on ${host}:${port}, which others can reach, without ${remedy}; or give --insecure`
  throw new SwarmlogsError('SWARMLOGS_CONFIG', message)
}

/** Whether only this machine can reach an address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}
