import { programVersion } from '../../shared/version.ts'
import type { CommandSpec } from '../command.ts'
import { COMMANDS } from '../commands.ts'
import { EXIT_CODES } from '../exit-codes.ts'

const EXAMPLES = `
Prints the manual page, made from the same descriptions as --help.

Examples:
  swarmlogs man | man -l -
  swarmlogs man > /usr/local/share/man/man1/swarmlogs.1
  swarmlogs man | mandoc -T html > swarmlogs.html`

/** The command `man`. */
export const man: CommandSpec = { flags: [], help: EXAMPLES, run }

async function run(): Promise<void> {
  const commands = await Promise.all(
    COMMANDS.map(async ({ name, summary, load }) => section(name, summary, await load())),
  )
  const page = [
    `.TH SWARMLOGS 1 "" "swarmlogs ${programVersion()}"`,
    ...['.SH NAME', 'swarmlogs \\- logs of a Docker Swarm: collected, stored, ordered, searchable'],
    ...['.SH SYNOPSIS', '.B swarmlogs', '.I COMMAND', '[\\fIflags\\fR]'],
    ...['.SH COMMANDS', ...commands.flat()],
    ...['.SH EXIT STATUS', ...EXIT_CODES.flatMap(([code, text]) => ['.TP', `.B ${code}`, escaped(text)])],
  ]
  process.stdout.write(`${page.join('\n')}\n`)
}

function section(name: string, summary: string, { operand, flags, help }: CommandSpec): string[] {
  return [
    `.SS swarmlogs ${name}${operand === undefined ? '' : ` ${escaped(operand.form)}`}`,
    escaped(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`),
    ...flags.flatMap((flag) => ['.TP', `.B ${escaped(flag.flags)}`, escaped(flag.text + byDefault(flag.default))]),
    ...['.PP', '.nf', ...help.trim().split('\n').map(escaped), '.fi'],
  ]
}

function byDefault(value: string | undefined): string {
  return value === undefined ? '' : ` (default ${value})`
}

/** Text that roff takes for text: a dot or quote that begins a line would be a request. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1')
}
