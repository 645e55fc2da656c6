import { SwarmlogsError } from '../shared/errors.ts'
import { formatTime } from '../shared/time.ts'
import { say } from './output/say.ts'

/** Commands that ask a server, and so can ask a bundle. */
const READING =
  'tail logs search ui open context histogram count top fields values stats patterns note services nodes status'.split(
    ' ',
  )
const FOLLOW = ['-f', '--follow']

/** The file of `--archive FILE COMMAND ...` or `--archive=FILE COMMAND ...`, and the command; undefined when the arguments are none such. */
export function archiveOf(args: readonly string[]): { path: string; command: readonly string[] } | undefined {
  const [first = '', ...rest] = args
  if (first === '--archive') return { path: rest[0] ?? '', command: rest.slice(1) }
  return first.startsWith('--archive=') ? { path: first.slice('--archive='.length), command: rest } : undefined
}

/** Throws SWARMLOGS_USAGE for a command that a bundle cannot answer. */
export function mustRead([name = '', ...args]: readonly string[]): void {
  if (!READING.includes(name) && !(name === 'incident' && args[0] === 'diff')) {
    throw new SwarmlogsError(
      'SWARMLOGS_USAGE',
      `cannot run '${name}' on a bundle: give one of ${READING.join(', ')}, incident diff`,
    )
  }
  const elsewhere = args.find((arg) => /^--(url|profile|direct|token-file|tls-ca)(=|$)/.test(arg))
  if (elsewhere !== undefined) {
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot use ${elsewhere} with --archive: the bundle answers, no server`)
  }
}

/** The command as it is meant for a bundle: nothing new comes in, and the UI begins at its end. */
export function onArchive(
  [name = '', ...args]: readonly string[],
  { url, manifest }: { readonly url: string; readonly manifest: { readonly until: string } },
): string[] {
  if (name === 'ui') return [name, ...uiArgs(args, url, formatTime(BigInt(manifest.until)))]
  const kept = args.filter((arg) => !FOLLOW.includes(arg))
  if (kept.length < args.length) say('-- nothing new comes into a bundle: these are its lines')
  return [name, ...kept]
}

function uiArgs(args: readonly string[], url: string, at: string): string[] {
  const isFlag = (arg: string | undefined, before: string | undefined) => arg?.startsWith('-') || before === '--color'
  const flags = args.filter((arg, index) => isFlag(arg, args[index - 1]))
  const targets = args.filter((arg, index) => !isFlag(arg, args[index - 1]))
  if (targets.some((target) => target.startsWith('http'))) return [...args]
  return [`${url}/ui?${new URLSearchParams([...targets.map((target) => ['target', target]), ['at', at]])}`, ...flags]
}
