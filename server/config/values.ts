import { SwarmlogsError } from '../../shared/errors.ts'
import { type Environment, environmentName, type Flags, setting } from '../../shared/settings.ts'
import { parseSize } from '../../shared/time.ts'

/** Reads a value of a setting; an error then names the setting. */
export function ofSetting<Value>(name: string, read: () => Value): Value {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof SwarmlogsError)) throw cause
    throw new SwarmlogsError('SWARMLOGS_CONFIG', `${cause.message} (--${name}, ${environmentName(name)})`, { cause })
  }
}

/** The error about a value that makes no sense. */
export function unusable(name: string, text: string, remedy: string): SwarmlogsError {
  const message = `cannot use '${text}' for --${name} (${environmentName(name)}): ${remedy}`
  return new SwarmlogsError('SWARMLOGS_CONFIG', message)
}

/** The error about settings that do not go together. */
export function conflict(message: string): SwarmlogsError {
  return new SwarmlogsError('SWARMLOGS_CONFIG', message)
}

/** A whole number within bounds; undefined when not given. */
export function wholeNumber(
  flags: Flags,
  env: Environment,
  name: string,
  { min, max }: { readonly min: number; readonly max: number },
): number | undefined {
  const text = setting(flags, env, name)
  if (text === undefined) return undefined
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw unusable(name, text, `give a whole number from ${min} to ${max}`)
}

/** A size of at least a byte, under the key that it goes by; nothing when not given. */
export function size<Key extends string>(
  flags: Flags,
  env: Environment,
  name: string,
  key: Key,
): { [Name in Key]?: number } {
  const text = setting(flags, env, name)
  if (text === undefined) return {}
  const bytes = ofSetting(name, () => parseSize(text))
  if (bytes === 0) throw unusable(name, text, 'give a size, such as 20GiB')
  return { [key]: bytes } as { [Name in Key]?: number }
}
