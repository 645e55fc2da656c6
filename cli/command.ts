import type { Flags } from '../shared/settings.ts'

/** A flag, as the help shows it. */
export interface FlagSpec {
  /** `-n, --tail <N>`, `--raw`, or `--no-trunc`, which makes the flag `trunc` false. */
  readonly flags: string
  readonly text: string
  /** It can be given several times; its value is a list. */
  readonly isRepeatable?: true
  readonly default?: string
}

/** What a command takes and does: enough to run it, to explain it and to complain about its use. */
export interface CommandSpec {
  /** `[TARGET...]` (any number) or `<SERVICE|TASK>` (exactly one), or both; absent: none. */
  readonly operand?: {
    readonly form: string
    readonly text: string
    /** What the first word can be, for shells that complete it. */
    readonly values?: readonly string[]
  }
  readonly flags: readonly FlagSpec[]
  /** Follows the flags in the help: explanations and examples. */
  readonly help: string
  /** `flags` has the values by camel-case name. */
  run(operands: readonly string[], flags: Flags): Promise<void>
}

/** A flag's spec taken apart. */
export interface FlagParts {
  readonly short: string | undefined
  /** Without dashes: `tail`, `no-trunc`. */
  readonly long: string
  readonly takesValue: boolean
}

/** Takes `-n, --tail <N>` apart. */
export function flagParts({ flags }: FlagSpec): FlagParts {
  const [, short, long = '', value] = /^(?:-(\w), )?--([\w-]+)( <.*>)?$/.exec(flags) ?? []
  return { short, long, takesValue: value !== undefined }
}

/** The name that turns a switch the other way: `no-follow` for `follow`, `trunc` for `no-trunc`. */
export function opposite(long: string): string {
  return long.startsWith('no-') ? long.slice(3) : `no-${long}`
}
