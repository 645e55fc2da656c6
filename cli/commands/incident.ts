import { SwarmlogsError } from '../../shared/errors.ts'
import type { Flags } from '../../shared/settings.ts'
import { formatTime } from '../../shared/time.ts'
import type { CommandSpec } from '../command.ts'
import { FILTER_FLAGS, GREP_FLAG, LEVEL_FLAG, RANGE_FLAGS, SERVER_FLAGS } from '../flags.ts'
import { bytesText } from '../output/bytes.ts'
import { harmless } from '../output/harmless.ts'
import { saveProgress } from '../output/save-progress.ts'
import { printTable } from '../output/table.ts'
import { readSave, sourceOf } from '../save.ts'
import { serve } from '../serve.ts'

const ACTIONS = ['save', 'verify', 'diff'] as const

const EXAMPLES = `
\`incident save NAME [QUERY]\` writes one portable file: the lines of that time,
the gaps in them, whether they are complete, and what was known of services,
tasks and nodes. It is a plain tar of Parquet and JSON files (its README.txt says
more), and every reading command works on it without a server:

  swarmlogs --archive incident.slog tail web      also logs, search, context,
                                                  histogram, top, ui, ...

\`incident verify FILE\` reads all of it, and names what is damaged or was changed;
exit code 1 then. \`incident diff A B\` shows which kinds of lines are new, gone,
more or less in B.

Examples:
  swarmlogs incident save checkout-down --since 3h --until 1h
  swarmlogs incident save oom 'level>=error' --service 'shop_*' --since 2h -o oom.slog
  swarmlogs incident save crash --around AQDwx...      15 minutes before and after a line
  swarmlogs incident verify oom.slog
  swarmlogs incident diff yesterday.slog today.slog`

/** The command `incident`. */
export const incident: CommandSpec = {
  operand: { form: '<ACTION> [ARG...]', text: 'save NAME [QUERY...], verify FILE, or diff FILE FILE' },
  flags: [
    ...RANGE_FLAGS,
    {
      flags: '--around <CURSOR>',
      text: 'save: the line that it is about; without --since and --until, 15 minutes around it',
    },
    { flags: '-o, --output <FILE>', text: 'save: the file to write (default NAME.slog)' },
    { flags: '--service <NAME>', text: 'save: only of these services (name, glob; repeatable)', isRepeatable: true },
    ...FILTER_FLAGS,
    GREP_FLAG,
    LEVEL_FLAG,
    { flags: '--sha256 <SUM>', text: 'verify: that `save` printed; a bundle that somebody made anew has another one' },
    { flags: '-n, --limit <N>', text: 'diff: so many kinds of lines', default: '20' },
    ...SERVER_FLAGS,
  ],
  help: EXAMPLES,
  run,
}

/** What the server knows, in its own form. */
type Knowledge = Parameters<typeof import('../../server/bundle/save.ts').saveBundle>[0]['knowledge']

async function run([action = '', ...args]: readonly string[], flags: Flags): Promise<void> {
  if (action === 'save') return save(args, flags)
  if (action === 'verify') return verify(args, flags)
  if (action === 'diff') return diff(args, flags)
  throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot do '${action}' to an incident: give ${ACTIONS.join(', ')}`)
}

async function save([name = '', ...words]: readonly string[], flags: Flags): Promise<void> {
  const { saveBundle } = await import('../../server/bundle/save.ts')
  const source = sourceOf(flags)
  const progress = saveProgress()
  await serve('warn', async (_, signal) => {
    const knowledge = await source.knowledge<Knowledge>(signal)
    const { path, about, params } = await readSave({ name, words, flags, now: BigInt(knowledge.time), source })
    const saved = await saveBundle({
      ...{ path, about, knowledge, signal, onProgress: progress.show },
      linesFrom: (cursor) => source.lines(params, cursor, signal),
    }).finally(progress.end)
    const { lines, gaps, verdict, since, until } = saved.manifest
    const range = `${formatTime(BigInt(since))} to ${formatTime(BigInt(until))}`
    process.stdout.write(
      `saved ${path}: ${lines} lines, ${gaps} gaps, ${verdict}, ${range}, ${bytesText(saved.bytes)}, sha256 ${saved.fingerprint}\n`,
    )
  })
}

async function verify([path = '', ...more]: readonly string[], flags: Flags): Promise<void> {
  if (path === '' || more.length > 0) throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot verify this: give one file')
  const { verifyBundle } = await import('../../server/bundle/verify.ts')
  const { manifest, fingerprint, findings } = await verifyBundle(path)
  const { name, lines, gaps, verdict, savedBy, savedFrom, saved } = manifest
  process.stdout.write(
    `${harmless(`${path}: '${name}', ${lines} lines, ${gaps} gaps, ${verdict}; saved ${formatTime(BigInt(saved))} by ${savedBy} from ${savedFrom}; sha256 ${fingerprint}`)}\n`,
  )
  for (const { name: part, why, lines: lost } of findings)
    process.stdout.write(`${harmless(`${part}: ${why}${lost > 0 ? `; ${lost} lines are lost` : ''}`)}\n`)
  if (flags.sha256 !== undefined && flags.sha256 !== fingerprint) {
    throw new SwarmlogsError(
      'SWARMLOGS_STORE_DAMAGED',
      `cannot trust ${path}: it is not the bundle with the sha256 ${flags.sha256}`,
    )
  }
  if (findings.length > 0) {
    throw new SwarmlogsError(
      'SWARMLOGS_STORE_DAMAGED',
      `cannot trust all of ${path}: get it again from where it was saved`,
    )
  }
  process.stdout.write('all of it is as it was saved\n')
}

async function diff(paths: readonly string[], flags: Flags): Promise<void> {
  const [a, b] = paths
  if (a === undefined || b === undefined || paths.length > 2) {
    throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot compare this: give two files')
  }
  const limit = Number(flags.limit)
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot use '${flags.limit}' for --limit: give a count such as 20`)
  }
  const { diffBundles } = await import('../../server/bundle/diff.ts')
  const { bundleFolder } = await import('../config.ts')
  const rows = await diffBundles(a, b, bundleFolder())
  const shown = rows
    .slice(0, limit)
    .map(({ change, before, after, pattern }) => [change, String(before), String(after), pattern])
  printTable(['CHANGE', 'IN A', 'IN B', 'PATTERN'], shown)
}
