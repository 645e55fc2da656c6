import { SwarmlogsError } from '../../shared/errors.ts'
import type { Flags } from '../../shared/settings.ts'
import { formatTime } from '../../shared/time.ts'
import type { CommandSpec } from '../command.ts'
import { FILTER_FLAGS, GREP_FLAG, LEVEL_FLAG, RANGE_FLAGS, SERVER_FLAGS } from '../flags.ts'
import { joinQueries } from '../operands.ts'
import { bytesText } from '../output/bytes.ts'
import { harmless } from '../output/harmless.ts'
import { saveProgress } from '../output/save-progress.ts'
import { say } from '../output/say.ts'
import { printTable } from '../output/table.ts'
import { localZone, readQuestion } from '../question.ts'
import { readSave, sourceOf } from '../save.ts'
import { serve } from '../serve.ts'
import { boundsOf, readSide, type Side } from '../sides.ts'

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
more or less in B: two files, or two times of the server or, with --archive, of a file.
Of each it looks at the newest million lines, and says when there may be more.

Examples:
  swarmlogs incident save checkout-down --since 3h --until 1h
  swarmlogs incident save oom 'level>=error' --service 'shop_*' --since 2h -o oom.slog
  swarmlogs incident save crash --around AQDwx...      15 minutes before and after a line
  swarmlogs incident verify oom.slog
  swarmlogs incident diff yesterday.slog today.slog
  swarmlogs incident diff 09:00..10:00 10:00..11:00 --service 'shop_*'
  swarmlogs --archive oom.slog incident diff 2h..1h 1h.. 'level>=warn'`

/** The command `incident`. */
export const incident: CommandSpec = {
  operand: {
    form: '<ACTION> [ARG...]',
    values: ACTIONS,
    text: 'save NAME [QUERY...], verify FILE, diff FILE FILE, or diff FROM..TO FROM..TO [QUERY...]',
  },
  flags: [
    ...RANGE_FLAGS,
    {
      flags: '--around <CURSOR>',
      text: 'save: the line that it is about; without --since and --until, 15 minutes around it',
    },
    { flags: '-o, --output <FILE>', text: 'save: the file to write (default NAME.slog)' },
    { flags: '--service <NAME>', text: 'only of these services (name, glob; repeatable)', isRepeatable: true },
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

async function diff([a = '', b = '', ...words]: readonly string[], flags: Flags): Promise<void> {
  if (b === '')
    throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot compare this: give two files, or two times FROM..TO')
  const limit = Number(flags.limit)
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot use '${flags.limit}' for --limit: give a count such as 20`)
  }
  const sides = [readSide(a), readSide(b)] as const
  const { params } = readQuestion({ ...flags, ...(words.length > 0 && { q: joinQueries(words) }), output: 'json' }, [])
  if (params.size > 0 && sides.some((side) => 'path' in side)) {
    const remedy = 'compare times of one: swarmlogs --archive FILE incident diff FROM..TO FROM..TO QUERY'
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot choose among the lines of files: ${remedy}`)
  }
  const { diffLines, MAX_LINES } = await import('../../server/bundle/diff.ts')
  const linesOf = (side: Side) => ('path' in side ? linesOfFile(side.path) : linesOfTime(side, params, flags))
  const { rows, isCut } = await diffLines(await linesOf(sides[0]), await linesOf(sides[1]))
  const shown = rows
    .slice(0, limit)
    .map(({ change, before, after, pattern }) => [change, String(before), String(after), pattern])
  printTable(['CHANGE', 'IN A', 'IN B', 'PATTERN'], shown)
  for (const [index, side] of ['A', 'B'].entries())
    if (isCut[index]) say(`-- of ${side} only the newest ${MAX_LINES} lines were compared: give less of it`)
}

async function linesOfFile(path: string) {
  const [{ linesOfBundle }, { bundleFolder }] = await Promise.all([
    import('../../server/bundle/diff.ts'),
    import('../config.ts'),
  ])
  return linesOfBundle(path, bundleFolder())
}

async function linesOfTime(range: Extract<Side, { from: string }>, params: URLSearchParams, flags: Flags) {
  const { linesOfAnswers, MAX_LINES } = await import('../../server/bundle/diff.ts')
  const source = sourceOf(flags)
  // Ctrl-C ends the process.
  const { signal } = new AbortController()
  const { time } = await source.knowledge<Knowledge>(signal)
  const asked = new URLSearchParams([...params, ...Object.entries(boundsOf(range, BigInt(time), localZone()))])
  asked.set('n', String(MAX_LINES))
  return linesOfAnswers((cursor) => source.lines(asked, cursor, signal))
}
