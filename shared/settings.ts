import { SwarmlogsError } from './errors.ts'

/** Values of the command line's flags, by camel-case name, as commander hands them on. */
export type Flags = Readonly<Record<string, unknown>>
/** A process's environment. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The value of a setting, named as its flag is (`max-size`): --max-size, else the content of the file of --max-size-file,
 * else SWARMLOGS_MAX_SIZE, else the content of the file that SWARMLOGS_MAX_SIZE_FILE names; undefined when none is given.
 * An empty variable counts as not given. Throws SWARMLOGS_CONFIG when a name and its _FILE are both given, or the file cannot be read.
 */
export function setting(flags: Flags, env: Environment, name: string): string | undefined {
  const variable = environmentName(name)
  return (
    eitherOf(`--${name}`, flagText(flags, name), `--${name}-file`, flagText(flags, `${name}-file`)) ??
    eitherOf(variable, env[variable] || undefined, `${variable}_FILE`, env[`${variable}_FILE`] || undefined)
  )
}

/** A setting that is on or off: a bare flag, or one of true, false, 1, 0. Off when not given. */
export function switchSetting(flags: Flags, env: Environment, name: string): boolean {
  const value = setting(flags, env, name)
  if (value === undefined) return false
  const lower = value.toLowerCase()
  if (lower === 'true' || lower === '1') return true
  if (lower === 'false' || lower === '0') return false
  throw new SwarmlogsError('SWARMLOGS_CONFIG', `cannot use '${value}' for ${environmentName(name)}: give true or false`)
}

/** A setting that is a list: a repeated flag, or values with commas between them. */
export function listSetting(flags: Flags, env: Environment, name: string): string[] {
  const values = (setting(flags, env, name) ?? '').split(',')
  return values.map((value) => value.trim()).filter((value) => value !== '')
}

/** The environment variable of a setting: `max-size` is SWARMLOGS_MAX_SIZE. */
export function environmentName(name: string): string {
  return `SWARMLOGS_${name.toUpperCase().replaceAll('-', '_')}`
}

function flagText(flags: Flags, name: string): string | undefined {
  const value = flags[name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())]
  if (value === undefined) return undefined
  const text = Array.isArray(value) ? value.join(',') : String(value)
  // An empty variable in a script would otherwise silently become the default.
  if (text === '')
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot use an empty --${name}: give a value or leave it out`)
  return text
}

function eitherOf(
  name: string,
  value: string | undefined,
  fileName: string,
  path: string | undefined,
): string | undefined {
  if (value !== undefined && path !== undefined) {
    throw new SwarmlogsError('SWARMLOGS_CONFIG', `cannot use ${name} and ${fileName} together: give only one of them`)
  }
  return path === undefined ? value : contentOf(fileName, path)
}

function contentOf(fileName: string, path: string): string {
  let content: string
  try {
    // An ESM import of node:fs evaluates its lazy getters, which every start of the CLI would wait for.
    content = process.getBuiltinModule('node:fs').readFileSync(path, 'utf8')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SwarmlogsError('SWARMLOGS_CONFIG', `cannot read the file that ${fileName} names: ${reason}`, { cause })
  }
  const value = content.replace(/\r?\n$/, '')
  if (value === '')
    throw new SwarmlogsError('SWARMLOGS_CONFIG', `cannot use the file that ${fileName} names: ${path} is empty`)
  return value
}
