import { Command, CommanderError } from 'commander'
import { SwarmlogsError } from '../shared/errors.ts'
import { COMMANDS } from './commands.ts'
import { watchReader } from './output/reader.ts'
import { say } from './output/say.ts'

const EXIT_FAILED = 1
const EXIT_USAGE = 2

/** Runs the command that the arguments name and resolves with the exit code: 0 ok, 1 failed, 2 wrong usage. */
export async function run(args: readonly string[]): Promise<number> {
  const asked = args[0] === 'help' ? args[1] : args[0]
  const isService = args[0] === asked && COMMANDS.some((command) => command.name === asked && command.isService)
  if (!isService) watchReader()
  try {
    const program = await build(asked, args)
    await program.parseAsync(args.length === 0 ? ['--help'] : args, { from: 'user' })
    return Number(process.exitCode ?? 0)
  } catch (error) {
    return exitCodeOf(error)
  }
}

/** All commands by name, but only the one that is asked for with its flags: its file is all that needs to be loaded. */
async function build(asked: string | undefined, args: readonly string[]): Promise<Command> {
  const program = new Command('swarmlogs')
    .description('Logs of a Docker Swarm: collected, stored, ordered, searchable.')
    .helpCommand('help [COMMAND]', 'show what a command does, with examples')
    .helpOption('-h, --help', 'show this help')
    .exitOverride()
    .addHelpText('after', '\n`swarmlogs COMMAND --help` shows the flags of a command, with examples.')
  if (args.includes('--version') || args.includes('-V')) {
    // It is read from a file with much machinery, which no command needs.
    const { programVersion } = await import('../shared/version.ts')
    program.version(programVersion(), '-V, --version', 'show the version')
  }
  for (const { name, summary, load } of COMMANDS) {
    const command = program.command(name).description(summary).helpOption('-h, --help', 'show this help')
    if (name !== asked) continue
    const { define } = await load()
    define(command)
    command.showHelpAfterError(`\`swarmlogs ${name} --help\` shows all flags, with examples.`)
  }
  return program
}

function exitCodeOf(error: unknown): number {
  // Commander has said it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE
  if (!(error instanceof SwarmlogsError)) throw error
  say(`error: ${error.message}`)
  return error.code === 'SWARMLOGS_USAGE' || error.code === 'SWARMLOGS_CONFIG' ? EXIT_USAGE : EXIT_FAILED
}
