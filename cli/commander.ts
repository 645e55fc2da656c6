import { Command, CommanderError, Option } from 'commander'
import { programVersion } from '../shared/version.ts'
import { type CommandSpec, flagParts, opposite } from './command.ts'
import { COMMANDS } from './commands.ts'

/** Reads the arguments with commander, and runs what they ask for; false when they are wrong, which commander has said then. */
export async function runByCommander(args: readonly string[]): Promise<boolean> {
  const program = await build(args[0] === 'help' ? args[1] : args[0])
  try {
    await program.parseAsync(args.length === 0 ? ['--help'] : args, { from: 'user' })
    return true
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0
    throw error
  }
}

/** All commands by name, but only the one that is asked for with its flags. */
async function build(asked: string | undefined): Promise<Command> {
  const program = new Command('swarmlogs')
    .description('Logs of a Docker Swarm: collected, stored, ordered, searchable.')
    .version(programVersion(), '-V, --version', 'show the version')
    .helpCommand('help [COMMAND]', 'show what a command does, with examples')
    .helpOption('-h, --help', 'show this help')
    .exitOverride()
    .addHelpText('after', '\n`swarmlogs COMMAND --help` shows the flags of a command, with examples.')
  for (const { name, summary, load } of COMMANDS) {
    const command = program.command(name).description(summary).helpOption('-h, --help', 'show this help')
    if (name === asked) addSpec(command, await load())
  }
  return program
}

function addSpec(command: Command, { operand, flags, help, run }: CommandSpec): void {
  if (operand !== undefined) command.argument(operand.form, operand.text)
  for (const flag of flags) {
    const option = new Option(flag.flags, flag.text)
    if (flag.isRepeatable) option.argParser((value: string, previous: readonly string[] = []) => [...previous, value])
    if (flag.default !== undefined) option.default(flag.default)
    command.addOption(option)
    const { long, takesValue } = flagParts(flag)
    if (!takesValue) command.addOption(new Option(`--${opposite(long)}`).hideHelp())
  }
  command.addHelpText('after', help)
  command.showHelpAfterError(`\`swarmlogs ${command.name()} --help\` shows all flags, with examples.`)
  command.action(() => run(command.args, command.opts()))
}
