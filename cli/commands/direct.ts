import type { DirectLine, DirectSurvey, DirectWanted } from '../../shared/direct.ts'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { LogRecord, LogStream, Source } from '../../shared/record.ts'
import type { Flags } from '../../shared/settings.ts'
import { parseTime } from '../../shared/time.ts'
import { DirectNotes } from '../direct-notes.ts'
import { directRecord } from '../output/direct-record.ts'
import { reordered } from '../output/reorder.ts'
import { say } from '../output/say.ts'
import type { Output } from '../print.ts'
import type { Question } from '../question.ts'

/** So many names are told of when one is not there. */
const MAX_KNOWN = 10
const NS_PER_MS = 1_000_000n

/** What is read from Docker. */
export interface Asked {
  readonly question: Question
  /** The newest so many lines, of all or of each task; undefined: all. */
  readonly newest: number | undefined
  readonly perTask: boolean
  readonly follow: boolean
}

/** The parts of the server that decide what a question means and how a line looks. */
type Server = Awaited<ReturnType<typeof serverParts>>

/**
 * Reads from Docker itself, as `--direct` asks, and prints what a server would have printed: it reads a question by the server's own
 * code, and logs by the agent's, so that both mean and look the same.
 */
export async function direct(flags: Flags, asked: Asked, output: Output): Promise<void> {
  const [{ Direct }, { engineAddress }, server] = await Promise.all([
    import('../../agent/direct.ts'),
    import('../../agent/config.ts'),
    serverParts(),
  ])
  const notes = new DirectNotes(flags)
  const hosts = Array.isArray(flags.docker) ? (flags.docker as string[]) : [undefined]
  const addresses = hosts.map((docker) => engineAddress({ docker }))
  const reader = new Direct(addresses, new AbortController().signal, notes)
  const survey = await reader.survey()
  notes.begin()
  const choice = choiceOf(server, survey, asked)
  for (const one of survey.unreached) if (one.stream === undefined || choice.takes(one.stream)) notes.unreached(one)
  const print = linePrinter(server, choice.width, asked, output)
  const wanted = { ...choice, ...rangeOf(asked.question.params) }
  const history = reader.history(survey, wanted)
  if (asked.question.params.get('order') === 'desc') await print((await collected(history, asked)).reverse())
  else for await (const lines of history) await print(lines)
  if (asked.follow) await printLive(reader.follow(survey, wanted), asked, print)
  await output.close()
}

/** The whole answer, where its last line is to be the first. Throws SWARMLOGS_USAGE where that has no bounds. */
async function collected(lines: AsyncIterable<readonly DirectLine[]>, { newest }: Asked): Promise<DirectLine[]> {
  if (newest === undefined) {
    throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot show all lines from Docker in reverse: say with -n how many')
  }
  const all: DirectLine[] = []
  for await (const batch of lines) all.push(...batch)
  return all
}

async function printLive(
  batches: AsyncGenerator<readonly DirectLine[]>,
  { question }: Asked,
  print: (lines: readonly DirectLine[]) => Promise<void>,
): Promise<void> {
  for await (const lines of question.isOrdered ? reordered(batches) : batches) await print(lines)
}

async function serverParts() {
  const parts = await Promise.all([
    import('../../server/query/targets.ts'),
    import('../../server/query/filter.ts'),
    import('../../server/query/print.ts'),
    import('../../server/parse/line.ts'),
    import('../../shared/query/parse.ts'),
  ])
  const [targets, filter, print, line, query] = parts
  return { ...targets, ...filter, ...print, ...line, ...query }
}

/** Which lines are wanted, and how wide slots are printed. */
function choiceOf(server: Server, survey: DirectSurvey, asked: Asked) {
  const { params } = asked.question
  const universe = { streams: streamsOf(survey), services: survey.services }
  const targets = params.getAll('target').map((text) => {
    const target = server.resolveTarget(text, universe)
    if (target.widened.length > 0) say(`${text}: ${target.widened.join(', ')}`)
    if (target.kind === 'none' && !asked.follow) throw noSuchTarget(server, text, universe)
    if (target.kind === 'none') say(`no service or task '${text}' yet: waiting for it`)
    return target
  })
  const sources = params.getAll('source') as Source[]
  const grep = params.get('grep') ?? ''
  const q = params.get('q')
  const filter = {
    ...{ services: params.getAll('service'), stacks: params.getAll('stack'), tasks: params.getAll('task') },
    ...{ nodes: params.getAll('node'), containers: params.getAll('container'), sources, grep },
    ...(q !== null && { where: server.parseQuery(q) }),
  }
  const isTarget = (stream: LogStream) => targets.length === 0 || targets.some((target) => target.matches(stream))
  const isTask = targets.length > 0 && targets.every(({ kind }) => kind === 'task')
  return {
    takes: (stream: LogStream) => isTarget(stream) && server.streamMatches(filter, stream),
    // With lines around, those that do not match are wanted, too: they are chosen on their way out.
    takesLine: (line: DirectLine) => server.lineMatches(filter, { ...line, ...server.parseLine(line.message) }),
    takesAll: sources.length === 0 && !server.looksAtLines(filter),
    newest: asked.newest,
    perTask: asked.perTask,
    wantsDetails: params.has('details'),
    // Docker pads a service's slots, but not those of a task that was asked for by itself.
    width: isTask ? () => 0 : widthOf(survey),
  } satisfies Omit<DirectWanted, 'since' | 'until'> & { width: (stream: LogStream) => number }
}

function streamsOf({ streams, unreached }: DirectSurvey): LogStream[] {
  return [...streams, ...unreached.flatMap(({ stream }) => stream ?? [])]
}

function noSuchTarget(server: Server, text: string, universe: Parameters<Server['resolveTarget']>[1]): SwarmlogsError {
  const names = server.serviceNames(universe)
  const nearest = server.nearestNames(text, names)
  const there = [...names].slice(0, MAX_KNOWN).join(', ')
  const hint = nearest.length > 0 ? `did you mean ${nearest.join(', ')}?` : `there are: ${there || 'none'}`
  return new SwarmlogsError('SWARMLOGS_NOT_FOUND', `cannot find a service or task '${text}' in Docker: ${hint}`)
}

/** Digits of a service's replicas, as docker pads; where no manager tells, of the widest slot there is. */
function widthOf(survey: DirectSurvey): (stream: LogStream) => number {
  const widths = new Map(
    survey.services.map(({ id, mode, replicas }) => [id, mode === 'replicated' ? String(replicas).length : 1]),
  )
  const widest = new Map<string, number>()
  for (const { serviceId, slot } of streamsOf(survey)) {
    widest.set(serviceId, Math.max(widest.get(serviceId) ?? 1, String(slot).length))
  }
  return ({ serviceId }) => widths.get(serviceId) ?? widest.get(serviceId) ?? 1
}

/** The time range; relative times are by this machine's clock. */
function rangeOf(params: URLSearchParams): Pick<DirectWanted, 'since' | 'until'> {
  const now = BigInt(Date.now()) * NS_PER_MS
  const zone = params.get('timezone') ?? 'UTC'
  const [since, until] = ['since', 'until'].map((name) => {
    const text = params.get(name)
    return text === null ? undefined : parseTime(text, now, zone)
  })
  return { since, until }
}

/** Prints lines as they would come from the store. */
function linePrinter(
  server: Server,
  width: (stream: LogStream) => number,
  { question: { form, params } }: Asked,
  { printer }: Output,
): (lines: readonly DirectLine[]) => Promise<void> {
  const isOn = (name: string) => params.get(name) === 'true'
  const isOff = (name: string) => params.get(name) === 'false'
  const flags = { timestamps: isOn('timestamps'), details: isOn('details'), raw: isOn('raw') }
  const names = { resolve: !isOff('resolve'), taskids: !isOff('taskids'), trunc: !isOff('trunc') }
  const format = server.lineFormat({ ...flags, ...names }, width)
  return async (lines) => {
    let text = ''
    let source: Source = 'stdout'
    for (const line of lines) {
      const record: LogRecord = { ...line, headMissing: false, chunk: '', ...server.parseLine(line.message) }
      const next = form === 'json' ? 'stdout' : line.source
      if (next !== source) {
        await printer.print(source, Buffer.from(text))
        text = ''
        source = next
      }
      text += `${form === 'json' ? JSON.stringify(directRecord(record)) : server.printRecord({ ...record, received: 0n }, format)}\n`
    }
    await printer.print(source, Buffer.from(text))
  }
}
