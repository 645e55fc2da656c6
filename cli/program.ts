import { SwarmlogsError } from '../shared/errors.ts'
import { COMMANDS } from './commands.ts'
import { watchReader } from './output/reader.ts'
import { say } from './output/say.ts'
import { parseQuickly } from './parse.ts'
import { plainSwitches } from './switches.ts'

const EXIT_FAILED = 1
const EXIT_USAGE = 2

/** Commands that ask a server, and so can ask a bundle. */
const READING = 'tail logs search ui context histogram top fields values patterns count services nodes status'.split(
  ' ',
)

/** Runs the command that the arguments name and resolves with the exit code: 0 ok, 1 failed, 2 wrong usage. */
export async function run(args: readonly string[]): Promise<number> {
  if (args[0] !== '--archive' && !args[0]?.startsWith('--archive=')) return runCommand(args)
  const [path = '', ...rest] =
    args[0] === '--archive' ? args.slice(1) : [args[0].slice('--archive='.length), ...args.slice(1)]
  try {
    mustRead(rest)
    const { onBundle } = await import('./commands/serve.ts')
    return await onBundle(path, () => runCommand(rest))
  } catch (error) {
    return exitCodeOf(error)
  }
}

function mustRead([name = '', ...args]: readonly string[]): void {
  if (!READING.includes(name)) {
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot run '${name}' on a bundle: give one of ${READING.join(', ')}`)
  }
  const elsewhere = args.find((arg) => /^--(url|profile|direct|token-file|tls-ca)(=|$)/.test(arg))
  if (elsewhere !== undefined) {
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot use ${elsewhere} with --archive: the bundle answers, no server`)
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
  return error.code === 'SWARMLOGS_USAGE' || error.code === 'SWARMLOGS_CONFIG' ? EXIT_USAGE : EXIT_FAILED
}
