import { SwarmlogsError } from '../shared/errors.ts'
import { COMMANDS } from './commands.ts'
import { EXIT_INTERRUPTED, watchReader } from './output/reader.ts'
import { say } from './output/say.ts'
import { parseQuickly } from './parse.ts'
import { plainSwitches } from './switches.ts'

const EXIT_FAILED = 1
const EXIT_USAGE = 2

/** Runs the command that the arguments name and resolves with the exit code: 0 ok, 1 failed, 2 wrong usage. */
export async function run(args: readonly string[]): Promise<number> {
  const archive = args[0]?.startsWith('--archive') ? await readArchive(args) : undefined
  return archive === undefined ? runCommand(args) : archive()
}

/** What asks a bundle; undefined when the arguments do not say so. */
async function readArchive(args: readonly string[]): Promise<(() => Promise<number>) | undefined> {
  const { archiveOf, mustRead, onArchive } = await import('./archive.ts')
  const archive = archiveOf(args)
  if (archive === undefined) return undefined
  const { path, command } = archive
  return async () => {
    // Before the command itself does: opening a bundle takes time, and leaves nothing behind.
    watchReader()
    try {
      mustRead(command)
      const { onBundle } = await import('./commands/serve.ts')
      return await onBundle(path, (bundle) => runCommand(onArchive(command, bundle)))
    } catch (error) {
      return exitCodeOf(error)
    }
  }
}

async function runCommand(args: readonly string[]): Promise<number> {
  const entry = COMMANDS.find(({ name }) => name === args[0])
  if (entry?.isService !== true) watchReader()
  try {
    if (entry === undefined) return await explain(args)
    const spec = await entry.load()
    const plain = plainSwitches(spec, args.slice(1))
    const parsed = parseQuickly(spec, plain)
    if (parsed === undefined) return await explain([entry.name, ...plain])
    await spec.run(parsed.operands, parsed.flags)
    return Number(process.exitCode ?? 0)
  } catch (error) {
    return exitCodeOf(error)
  }
}

/** Help, the version, what is wrong about the arguments, and what is right in an uncommon way. */
async function explain(args: readonly string[]): Promise<number> {
  const { runByCommander } = await import('./commander.ts')
  const isRight = await runByCommander(args)
  return isRight ? Number(process.exitCode ?? 0) : EXIT_USAGE
}

function exitCodeOf(error: unknown): number {
  if (!(error instanceof SwarmlogsError)) throw error
  say(`error: ${error.message}`)
  if (process.exitCode === EXIT_INTERRUPTED) return EXIT_INTERRUPTED
  return error.code === 'SWARMLOGS_USAGE' || error.code === 'SWARMLOGS_CONFIG' ? EXIT_USAGE : EXIT_FAILED
}
