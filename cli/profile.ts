import { SwarmlogsError } from '../shared/errors.ts'
import { type Environment, environmentName, type Flags } from '../shared/settings.ts'

/** What a profile can say, named as the flags are. */
const SETTINGS = ['url', 'token-file', 'tls-ca']
const VARIABLES = [...SETTINGS, 'token', 'tls-ca-file', 'url-file'].map(environmentName)

interface ConfigFile {
  /** The profile of those who name none. */
  readonly profile?: string
  readonly profiles?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/**
 * The environment with what a profile says in the place of variables: with --profile (or SWARMLOGS_PROFILE) it stands for all of them, the
 * profile that the file names as the usual one only where no variable is set. Throws SWARMLOGS_CONFIG.
 */
export function withProfile(flags: Flags, env: Environment): Environment {
  const named = flags.profile === undefined ? env.SWARMLOGS_PROFILE || undefined : String(flags.profile)
  if (named === undefined && VARIABLES.some((name) => env[name])) return env
  const path = `${env.XDG_CONFIG_HOME || `${env.HOME ?? '.'}/.config`}/swarmlogs/config.json`
  const file = readConfig(path, named !== undefined)
  const name = named ?? file.profile
  if (name === undefined) return env
  const profile = Object.hasOwn(file.profiles ?? {}, name) ? file.profiles?.[name] : undefined
  if (profile === undefined) {
    const known = Object.keys(file.profiles ?? {}).join(', ') || 'none'
    throw new SwarmlogsError('SWARMLOGS_CONFIG', `cannot find the profile '${name}' in ${path}: there are ${known}`)
  }
  const others = Object.entries(env).filter(([variable]) => !VARIABLES.includes(variable))
  return Object.fromEntries([
    ...others,
    ...Object.entries(profile).map(([key, value]) => variableOf(key, value, name, env)),
  ])
}

function variableOf(key: string, value: unknown, profile: string, env: Environment): [string, string] {
  if (SETTINGS.includes(key) && typeof value === 'string') {
    return [environmentName(key), value.replace(/^~\//, `${env.HOME ?? '~'}/`)]
  }
  const message = `cannot use '${key}' of the profile '${profile}': a profile has texts for ${SETTINGS.join(', ')}`
  throw new SwarmlogsError('SWARMLOGS_CONFIG', message)
}

/** The file; as if it were empty where it is not there and need not be. */
function readConfig(path: string, isNeeded: boolean): ConfigFile {
  const { existsSync, readFileSync } = process.getBuiltinModule('node:fs')
  if (!isNeeded && !existsSync(path)) return {}
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ConfigFile
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SwarmlogsError('SWARMLOGS_CONFIG', `cannot read the profiles in ${path}: ${reason}`, { cause })
  }
}
