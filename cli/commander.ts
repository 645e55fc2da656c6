import { Command, CommanderError, Option } from 'commander'
import { programVersion } from '../shared/version.ts'
import { type CommandSpec, flagParts, opposite } from './command.ts'
import { COMMANDS } from './commands.ts'
import { EXIT_CODES } from './exit-codes.ts'

const HELP = `
\`swarmlogs COMMAND --help\` shows the flags of a command, with examples.
SWARMLOGS_URL and SWARMLOGS_TOKEN (or SWARMLOGS_TOKEN_FILE) say which server to
ask (default http://127.0.0.1:4280); or a profile of ~/.config/swarmlogs/config.json.

Exit codes:
${EXIT_CODES.map(([code, text]) => `  ${String(code).padEnd(5)}${text}`).join('\n')}`

/** Reads the arguments with commander, and runs what they ask for; false when they are wrong, which commander has said then. */
export async function runByCommander(args: readonly string[]): Promise<boolean> {
  const asked = args[0] === 'help' ? args[1] : args[0]
  const program = await build(asked)
  try {
    await program.parseAsync(isUnknown(asked) ? [asked] : args.length === 0 ? ['--help'] : args, { from: 'user' })
    return true
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0
    throw error
  }
}

/** Of a command that is not there commander would show the help of all when asked for its help, and not say why. */
function isUnknown(asked: string | undefined): asked is string {
  return asked !== undefined && /^(?!-|help$)/.test(asked) && COMMANDS.every(({ name }) => name !== asked)
}

/** All commands by name, but only the one that is asked for with its flags. */
async function build(asked: string | undefined): Promise<Command> {
  const program = new Command('swarmlogs')
    .description('Logs of a Docker Swarm: collected, stored, ordered, searchable.')
    .version(programVersion(), '-V, --version', 'show the version')
    .option('--archive <FILE>', 'ask the file of an incident instead of a server')
    .helpCommand('help [COMMAND]', 'show what a command does, with examples')
    .helpOption('-h, --help', 'show this help')
    .exitOverride()
    .addHelpText('after', HELP)
  for (const { name, summary, load } of COMMANDS) {
    const command = program.command(name).description(summary).helpOption('-h, --help', 'show this help')
    if (name === asked) addSpec(command, await load())
  }
  return program
}

function addSpec(command: Command, { operand, flags, help, run }: CommandSpec): void {
  const [first, second] = operand?.form.split(' ') ?? []
  if (first !== undefined) command.argument(first, operand?.text)
  if (second !== undefined) command.argument(second)
  for (const flag of flags) {
    const option = new Option(flag.flags, flag.text + (flag.default === undefined ? '' : ` (default ${flag.default})`))
    if (flag.isRepeatable) option.argParser((value: string, previous: readonly string[] = []) => [...previous, value])
    command.addOption(option)
    const { long, takesValue } = flagParts(flag)
    if (!takesValue) command.addOption(new Option(`--${opposite(long)}`).hideHelp())
  }
  command.addHelpText('after', help)
  command.showHelpAfterError(`\`swarmlogs ${command.name()} --help\` shows all flags, with examples.`)
  const defaults = flags.flatMap((flag) => (flag.default === undefined ? [] : [[flagParts(flag).long, flag.default]]))
  command.action(() => run(command.args, { ...Object.fromEntries(defaults), ...command.opts() }))
}
