import type { Flags } from '../shared/settings.ts'
import { type CommandSpec, flagParts } from './command.ts'

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
  const parts = spec.flags.map((flag) => ({ flag, ...flagParts(flag) }))
  const options = Object.fromEntries(
    parts.map(({ flag, short, long, takesValue }) => [
      long,
      {
        type: takesValue ? 'string' : 'boolean',
        multiple: flag.isRepeatable === true,
        ...(short && { short }),
      } as const,
    ]),
  )
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    if (!fits(spec, positionals.length)) return undefined
    const flags = parts.map(({ flag, long }) => namedValue(long, values[long] ?? flag.default))
    return { operands: positionals, flags: Object.fromEntries(flags.filter(([, value]) => value !== undefined)) }
  } catch {
    return undefined
  }
}

function fits({ operand }: CommandSpec, count: number): boolean {
  if (operand === undefined) return count === 0
  return operand.form.endsWith('...]') || count === 1
}

function namedValue(long: string, value: unknown): [string, unknown] {
  const isNegative = long.startsWith('no-')
  const name = (isNegative ? long.slice(3) : long).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
  return [name, isNegative ? value === undefined : value]
}
