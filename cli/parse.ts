import type { Flags } from '../shared/settings.ts'
import { type CommandSpec, type FlagSpec, flagParts, opposite } from './command.ts'

/** The operands and flags of a command line that is right. */
export interface Parsed {
  readonly operands: readonly string[]
  readonly flags: Flags
}

/**
 * Reads a command line that is plainly right, and undefined for any other: commander reads the same, and explains what is wrong, but
 * loading it costs more than half of the time in which `tail` should be done.
 */
export function parseQuickly(spec: CommandSpec, args: readonly string[]): Parsed | undefined {
  const { parseArgs } = process.getBuiltinModule('node:util')
  const known = spec.flags.map(knownFlag)
  const options = Object.fromEntries(known.map(({ name, option }) => [name, option]))
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options,
      allowPositionals: true,
      allowNegative: true,
    })
    if (!fits(spec, positionals.length)) return undefined
    const flags = known.map(({ name, ifAbsent }) => [camelCase(name), values[name] ?? ifAbsent] as const)
    return { operands: positionals, flags: Object.fromEntries(flags.filter(([, value]) => value !== undefined)) }
  } catch {
    return undefined
  }
}

/** A flag as parseArgs knows it: `--no-trunc` is the opposite of a switch `trunc`, which is on. */
function knownFlag(flag: FlagSpec) {
  const { short, long, takesValue } = flagParts(flag)
  const isNegative = long.startsWith('no-')
  const type = takesValue ? ('string' as const) : ('boolean' as const)
  return {
    name: isNegative ? opposite(long) : long,
    option: { type, multiple: flag.isRepeatable === true, ...(short && { short }) },
    ifAbsent: isNegative ? true : flag.default,
  }
}

function fits({ operand }: CommandSpec, count: number): boolean {
  if (operand === undefined) return count === 0
  const least = operand.form.startsWith('<') ? 1 : 0
  return count >= least && (operand.form.endsWith('...]') || count === 1)
}

function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}
