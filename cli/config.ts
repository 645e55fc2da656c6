import { SwarmlogsError } from '../shared/errors.ts'
import { type Environment, type Flags, setting } from '../shared/settings.ts'
import type { ColourChoice } from './output/printer.ts'
import { withProfile } from './profile.ts'

const DEFAULT_URL = 'http://127.0.0.1:4280'
const DEFAULT_LISTEN = '127.0.0.1:4280'
const DEFAULT_FORWARD_PORT = 24_224
const DOCKER_SOCKET = '/var/run/docker.sock'

/** Which server to ask, and how. */
export interface ClientConfig {
  /** Its base, always with a slash at the end: a proxy may have put it below a path. */
  readonly url: URL
  readonly token: string | undefined
  /** Certificate authority (PEM) for https; undefined stands for the usual ones. */
  readonly ca: Buffer | undefined
}

/** Reads --url, --token-file, --tls-ca, their variables, and profiles. Throws SWARMLOGS_CONFIG or SWARMLOGS_USAGE. */
export function clientConfig(flags: Flags, environment: Environment = process.env): ClientConfig {
  const env = withProfile(flags, environment)
  const caPath = setting(flags, env, 'tls-ca')
  return {
    url: parseUrl(setting(flags, env, 'url') ?? DEFAULT_URL),
    // A file may hold several tokens, of which the server takes any.
    token: setting(flags, env, 'token')?.split('\n')[0]?.trim(),
    ca: caPath === undefined ? undefined : readCa(caPath),
  }
}

/** Where `plugin install` puts what docker starts. */
export function pluginPath(env: Environment = process.env): string {
  return `${env.DOCKER_CONFIG || `${env.HOME ?? '.'}/.docker`}/cli-plugins/docker-swarmlogs`
}

/** Where `healthcheck` finds the server of this machine: as SWARMLOGS_LISTEN, SWARMLOGS_TLS_CERT (or their flags) started it. */
export function healthUrl(flags: Flags, env: Environment = process.env): URL {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(setting(flags, env, 'listen') ?? DEFAULT_LISTEN) ?? []
  const address = ['', '0.0.0.0', '[::]', '*'].includes(host) ? '127.0.0.1' : host
  const scheme = setting(flags, env, 'tls-cert') === undefined ? 'http' : 'https'
  return parseUrl(`${scheme}://${address}:${port}`)
}

/** What `doctor` looks at beside the HTTP API. */
export interface DoctorConfig {
  /** `host:port` for agents; undefined when nobody asks for it. */
  readonly server: string | undefined
  /** An engine is named, or this machine has a socket. */
  readonly hasDocker: boolean
}

/** Reads --server, --shared-key-file, --docker and their variables. Throws SWARMLOGS_CONFIG or SWARMLOGS_USAGE. */
export function doctorConfig(flags: Flags, env: Environment = process.env): DoctorConfig {
  const hasKey = setting(flags, env, 'shared-key') !== undefined
  const { hostname } = clientConfig(flags, env).url
  const engine = setting(flags, env, 'docker') ?? (env.DOCKER_HOST || undefined)
  return {
    server: setting(flags, env, 'server') ?? (hasKey ? `${hostname}:${DEFAULT_FORWARD_PORT}` : undefined),
    hasDocker: engine !== undefined || process.getBuiltinModule('node:fs').existsSync(DOCKER_SOCKET),
  }
}

/** --color, and what NO_COLOR and TERM say about `auto`. Throws SWARMLOGS_USAGE. */
export function colourConfig(
  flags: Flags,
  env: Environment = process.env,
): { colour: ColourChoice; isPlainTerminal: boolean } {
  const colour = setting(flags, env, 'color') ?? 'auto'
  if (colour !== 'auto' && colour !== 'always' && colour !== 'never') {
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot use '${colour}' for --color: give auto, always or never`)
  }
  return { colour, isPlainTerminal: Boolean(env.NO_COLOR) || env.TERM === 'dumb' }
}

/** What shows long output: PAGER, else less; with what less needs to show colours, and to leave alone what fits on one screen. */
export function pagerConfig(env: Environment = process.env): { command: string; env: Environment } {
  return { command: env.PAGER || 'less', env: { ...env, LESS: env.LESS || 'FRX' } }
}

/** React is many times faster when it is told that nobody develops with it, which it reads when it is loaded. */
export function quickReact(): void {
  process.env.NODE_ENV ??= 'production'
}

/** Whether the server's lines live in Elasticsearch, for which its address must be given. */
export function usesElasticsearch(flags: Flags, env: Environment = process.env): boolean {
  return setting(flags, env, 'elasticsearch') !== undefined
}

/** Where `up` keeps its data: --data, else like any system service for root, else with the user's own data. */
export function dataFolder(flags: Flags, env: Environment = process.env): string {
  const data = setting(flags, env, 'data')
  if (data !== undefined) return data
  if (process.getuid?.() === 0) return '/var/lib/swarmlogs'
  return `${env.XDG_DATA_HOME || `${env.HOME ?? '.'}/.local/share`}/swarmlogs`
}

/** Where bundles are unpacked, to be asked. */
export function bundleFolder(env: Environment = process.env): string {
  return `${env.XDG_CACHE_HOME || `${env.HOME ?? '.'}/.cache`}/swarmlogs/bundles`
}

/** Has all commands of this process ask one server, whatever the environment says. */
export function askOnly(url: string, token: string): void {
  for (const name of ['TLS_CA', 'TLS_CA_FILE', 'URL_FILE', 'TOKEN_FILE', 'PROFILE'])
    delete process.env[`SWARMLOGS_${name}`]
  Object.assign(process.env, { SWARMLOGS_URL: url, SWARMLOGS_TOKEN: token })
}

/** --log-level, as pino names levels. Throws SWARMLOGS_USAGE. */
export function logLevel(flags: Flags, env: Environment = process.env): string {
  const level = setting(flags, env, 'log-level') ?? 'info'
  if (['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'].includes(level)) return level
  throw new SwarmlogsError(
    'SWARMLOGS_USAGE',
    `cannot use '${level}' for --log-level: give trace, debug, info, warn, error or fatal`,
  )
}

function parseUrl(text: string): URL {
  const withScheme = text.includes('://') ? text : `http://${text}`
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined
  if (url !== undefined && url.username !== '') {
    const message =
      'cannot use a URL with a user or password in it: give the token with --token-file or SWARMLOGS_TOKEN_FILE'
    throw new SwarmlogsError('SWARMLOGS_USAGE', message)
  }
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot use the URL '${text}': give one such as http://node1:4280`)
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url
}

function readCa(path: string): Buffer {
  try {
    return process.getBuiltinModule('node:fs').readFileSync(path)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SwarmlogsError('SWARMLOGS_CONFIG', `cannot read the certificates of --tls-ca: ${reason}`, { cause })
  }
}
