import { SwarmlogsError } from '../shared/errors.ts'
import { type CommandSpec, type FlagParts, flagParts, opposite } from './command.ts'

const TRUE = ['1', 't', 'T', 'true', 'TRUE', 'True']
const FALSE = ['0', 'f', 'F', 'false', 'FALSE', 'False']

/**
 * Writes switches that have a value, as docker takes them, without it: `--details=true` is `--details`, `--details=false` its opposite
 * `--no-details`. Throws SWARMLOGS_USAGE at any other value.
 */
export function plainSwitches(spec: CommandSpec, args: readonly string[]): string[] {
  const all = spec.flags.map(flagParts)
  const end = args.indexOf('--')
  const isPlain = (index: number) => (end !== -1 && index >= end) || wantsValue(args[index - 1], all)
  return args.flatMap((arg, index) => (isPlain(index) ? [arg] : withoutValue(arg, all)))
}

function withoutValue(arg: string, all: readonly FlagParts[]): string[] {
  const [, name = '', value = ''] = /^(--[\w-]+|-[a-zA-Z]+)=(.*)$/s.exec(arg) ?? []
  const flags = flagsOf(name, all)
  const last = flags.at(-1)
  if (last === undefined || flags.some(({ takesValue }) => takesValue)) return [arg]
  const isOn = TRUE.includes(value)
  if (!isOn && !FALSE.includes(value)) {
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot use '${value}' for --${last.long}: give true or false`)
  }
  const before = flags.slice(0, -1).map(({ long }) => `--${long}`)
  return [...before, `--${isOn ? last.long : opposite(last.long)}`]
}

/** Whether the next argument is the value of this one. */
function wantsValue(arg: string | undefined, all: readonly FlagParts[]): boolean {
  return flagsOf(arg ?? '', all).at(-1)?.takesValue === true
}

/** The flags that `--name` or `-abc` names; none when one of them is unknown. */
function flagsOf(arg: string, all: readonly FlagParts[]): FlagParts[] {
  const names = arg.startsWith('--') ? [arg.slice(2)] : /^-[a-zA-Z]+$/.test(arg) ? [...arg.slice(1)] : []
  const flags = names.map((name) => all.find(({ short, long }) => name === (arg.startsWith('--') ? long : short)))
  const known = flags.filter((flag) => flag !== undefined)
  return known.length === names.length ? known : []
}
