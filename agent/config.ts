import { homedir } from 'node:os'
import { join } from 'node:path'
import { SwarmlogsError } from '../shared/errors.ts'
import { SPOOL_POLICIES, type SpoolPolicy } from '../shared/report.ts'
import {
  type Environment,
  environmentName,
  type Flags,
  listSetting,
  setting,
  switchSetting,
} from '../shared/settings.ts'
import { parseDuration, parseSize } from '../shared/time.ts'
import { dockerContext } from './docker-context.ts'
import type { ServerAddress } from './forwarder/dial.ts'
import { readSharedKeys, type SharedKeySource } from './shared-keys.ts'
import type { EngineAddress } from './tail/engine.ts'

/** The agent's settings. */
export interface AgentConfig {
  readonly docker: EngineAddress
  readonly server: ServerAddress
  readonly sharedKeys: SharedKeySource
  /** Folder of the spool, of this agent only. */
  readonly stateDir: string
  /** Stands in for the engine's name; '' does not. */
  readonly nodeName: string
  /** Stands in for the Swarm's id; '' does not. */
  readonly cluster: string
  /** How far back a container's log is read at its first sight. */
  readonly backfillNs: bigint
  /** Bytes of unacked chunks at which reading from Docker stops, or the oldest lines are dropped. */
  readonly spoolBytes: number
  readonly spoolPolicy: SpoolPolicy
  readonly includeSelf: boolean
  /** `host:port` of our server, here and as containers' fluentd log drivers name it: these containers are not read a second time. */
  readonly fluentdAddresses: readonly string[]
  /** How long a stop may take: following dying neighbours to their end, and shipping. */
  readonly stopGraceMs: number
  /** How long to wait for another agent to let go of the state folder. */
  readonly lockWaitMs: number
}

/** Reads the settings from flags and environment. Throws SWARMLOGS_CONFIG or SWARMLOGS_USAGE, which name the setting. */
export function agentConfig(flags: Flags, env: Environment = process.env): AgentConfig {
  const config: AgentConfig = {
    docker: engineAddress(flags, env),
    server: server(flags, env),
    sharedKeys: sharedKeys(flags, env),
    stateDir: setting(flags, env, 'state') ?? defaultDir(env),
    nodeName: setting(flags, env, 'node-name') ?? '',
    cluster: setting(flags, env, 'cluster') ?? '',
    backfillNs: duration(flags, env, 'backfill', '24h'),
    spoolBytes: size(flags, env, 'spool-size', '1GiB'),
    spoolPolicy: spoolPolicy(flags, env),
    includeSelf: switchSetting(flags, env, 'include-self'),
    fluentdAddresses: [serverText(flags, env), ...listSetting(flags, env, 'fluentd-address')],
    stopGraceMs: toMs(duration(flags, env, 'stop-grace', '100s')),
    lockWaitMs: toMs(duration(flags, env, 'lock-wait', '2m')),
  }
  refuseOpenDoor(config, switchSetting(flags, env, 'insecure'))
  readSharedKeys(config.sharedKeys)
  return Object.freeze(config)
}

/** --docker, else what the docker command itself takes: DOCKER_HOST and its like, the context in use. Throws SWARMLOGS_CONFIG. */
export function engineAddress(flags: Flags, env: Environment = process.env): EngineAddress {
  const host = setting(flags, env, 'docker') ?? (env.DOCKER_HOST || undefined)
  if (host === undefined) {
    const context = dockerContext(env.DOCKER_CONFIG || join(homedir(), '.docker'), env.DOCKER_CONTEXT)
    if (context !== undefined) return context
  }
  const tls = (env.DOCKER_TLS_VERIFY || env.DOCKER_TLS || '') !== ''
  return { host, tls, certPath: env.DOCKER_CERT_PATH || (tls ? join(homedir(), '.docker') : undefined) }
}

function server(flags: Flags, env: Environment): ServerAddress {
  const text = serverText(flags, env)
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:\s]+)):(?<port>\d{1,5})$/.exec(text)?.groups
  const port = Number(match?.port)
  if (match === undefined || port === 0 || port > 65_535) {
    throw unusable('server', text, 'give HOST:PORT, such as tasks.server:24224 or [::1]:24224')
  }
  const caFile = setting(flags, env, 'tls-ca')
  const tls = caFile !== undefined || switchSetting(flags, env, 'tls') ? { tls: { caFile } } : {}
  return { host: match.v6 ?? match.name ?? '', port, ...tls }
}

function serverText(flags: Flags, env: Environment): string {
  return setting(flags, env, 'server') ?? '127.0.0.1:24224'
}

/** What `setting` finds as `shared-key`, but a file is kept as a path, to be read anew at each connect. */
function sharedKeys(flags: Flags, env: Environment): SharedKeySource {
  const name = 'shared-key'
  const text = setting(flags, env, name)
  if (text === undefined) return { kind: 'none' }
  const variable = environmentName(name)
  const isText = flags.sharedKey !== undefined || (flags.sharedKeyFile === undefined && Boolean(env[variable]))
  return isText
    ? { kind: 'text', text }
    : { kind: 'file', path: String(flags.sharedKeyFile ?? env[`${variable}_FILE`]) }
}

function defaultDir(env: Environment): string {
  if (process.getuid?.() === 0) return '/var/lib/swarmlogs-agent'
  return join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'swarmlogs-agent')
}

function duration(flags: Flags, env: Environment, name: string, byDefault: string): bigint {
  return ofSetting(name, () => parseDuration(setting(flags, env, name) ?? byDefault))
}

function toMs(ns: bigint): number {
  return Number(ns / 1_000_000n)
}

function size(flags: Flags, env: Environment, name: string, byDefault: string): number {
  const text = setting(flags, env, name) ?? byDefault
  const bytes = ofSetting(name, () => parseSize(text))
  if (bytes > 0) return bytes
  throw unusable(name, text, 'give a size, such as 1GiB')
}

function spoolPolicy(flags: Flags, env: Environment): SpoolPolicy {
  const text = setting(flags, env, 'spool-policy') ?? 'block'
  const policy = SPOOL_POLICIES.find((known) => known === text)
  if (policy === undefined) throw unusable('spool-policy', text, `give ${SPOOL_POLICIES.join(' or ')}`)
  return policy
}

function ofSetting<Value>(name: string, read: () => Value): Value {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof SwarmlogsError)) throw cause
    throw new SwarmlogsError('SWARMLOGS_CONFIG', `${cause.message} (--${name}, ${environmentName(name)})`, { cause })
  }
}

function unusable(name: string, text: string, remedy: string): SwarmlogsError {
  const message = `cannot use '${text}' for --${name} (${environmentName(name)}): ${remedy}`
  return new SwarmlogsError('SWARMLOGS_CONFIG', message)
}

/** Without a key, whoever answers at the server's address would get all lines, and could have them forgotten by acking them. */
function refuseOpenDoor({ server: { host, port }, sharedKeys: { kind } }: AgentConfig, isInsecure: boolean): void {
  if (isInsecure || kind !== 'none' || isThisMachine(host)) return
  const remedy = "give the server's with --shared-key-file or SWARMLOGS_SHARED_KEY_FILE, or give --insecure"
  throw new SwarmlogsError('SWARMLOGS_CONFIG', `cannot send lines to ${host}:${port} without a shared key: ${remedy}`)
}

/** Whether only this machine can answer at an address; the unspecified ones lead back to it too. */
function isThisMachine(host: string): boolean {
  return ['localhost', '::1', '::', '0.0.0.0'].includes(host) || /^127(\.\d{1,3}){3}$/.test(host)
}
