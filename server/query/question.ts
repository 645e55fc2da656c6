import type { ApiNote } from '../../shared/api.ts'
import type { LogStream } from '../../shared/record.ts'
import { formatTime } from '../../shared/time.ts'
import type { Context } from '../context.ts'
import { ofParameter, Problem } from '../problem.ts'
import type { LineFormat, StreamSummary } from '../store/store.ts'
import { type Cursor, Cursors } from './cursor.ts'
import { streamMatches } from './filter.ts'
import { slotWidths } from './padding.ts'
import { filterOf, rangeOf, type SearchParameters, type TailParameters } from './parameters.ts'
import { lineFormat } from './print.ts'
import type { Filter } from './query.ts'
import { nearestNames, resolveTarget, serviceNames, type Target, type Universe } from './targets.ts'

/** What a search or a tail was asked, resolved against what there is. */
export interface Question {
  readonly filter: Filter
  readonly since?: bigint
  readonly until?: bigint
  readonly newest?: number
  readonly perTask: boolean
  readonly targets: readonly Target[]
  readonly universe: Universe
  /** The streams of the catalog that it takes. */
  readonly matched: readonly StreamSummary[]
  /** Where to go on. */
  readonly cursor?: Cursor
  readonly cursors: Cursors
  readonly format: LineFormat
}

type Parameters = Pick<SearchParameters, keyof SearchParameters & keyof TailParameters> & { order?: string }

const MAX_KNOWN = 200

/** Resolves parameters that passed their schema. Throws a Problem that names the wrong parameter. */
export async function readQuestion(context: Context, kind: Cursor['kind'], parameters: Parameters): Promise<Question> {
  const { store, inventories } = context
  const cursors = new Cursors(store.identity.id, questionText(kind, parameters))
  const { cursor: cursorText } = parameters
  const cursor = cursorText === undefined ? undefined : ofParameter('cursor', () => cursors.read(cursorText, kind))
  const asked = rangeOf(parameters, context.now())
  // Relative times must not move between the parts of one answer.
  const range = cursor === undefined ? asked : { since: cursor.since, until: cursor.until }
  const summaries = await store.streams()
  const universe = universeOf(context, summaries)
  const targets = (parameters.target ?? []).map((target) => resolveTarget(target, universe))
  const filter = {
    ...filterOf(parameters),
    accepts: choiceOf(context, targets, parameters.current ? summaries : undefined),
  }
  return {
    filter,
    ...(range.since !== undefined && { since: range.since }),
    ...(range.until !== undefined && { until: range.until }),
    ...(parameters.n !== undefined && { newest: parameters.n }),
    perTask: parameters.per === 'task',
    targets,
    universe,
    matched: summaries.filter(({ stream }) => streamMatches(filter, stream)),
    ...(cursor && { cursor }),
    cursors,
    format: lineFormat(parameters, widthsOf(targets, slotWidths(inventories, universe.streams))),
  }
}

/** The problem with a target that stands for nothing. */
export function noSuchTarget(target: Target, universe: Universe): Problem {
  const names = serviceNames(universe)
  const nearest = nearestNames(target.text, names)
  const hint = nearest.length > 0 ? `did you mean ${nearest.join(', ')}?` : 'there is nothing of this name'
  const message = `cannot find a service or task '${target.text}': ${hint}`
  const known = [...names].slice(0, MAX_KNOWN)
  return new Problem('SWARMLOGS_NOT_FOUND', 404, {
    code: 'no_such_target',
    message,
    parameter: 'target',
    nearest,
    known,
  })
}

/** What someone who reads the answer should know: targets widened, targets waited for, and where the store begins. */
export function notesOf(context: Context, question: Question): ApiNote[] {
  const { targets, universe } = question
  const notes = targets.flatMap((target): ApiNote[] => {
    if (target.kind === 'none') return [waitingNote(target, universe)]
    if (target.widened.length === 0) return []
    const message = `${target.text}: ${target.widened.join(', ')}`
    return [{ code: 'targets', message, target: target.text, services: target.widened }]
  })
  const begins = beginsAfter(context, question)
  if (begins === undefined) return notes
  return [...notes, { code: 'begins', message: `the store begins at ${formatTime(begins)}: nothing older is kept` }]
}

/** How many records the answer has, where the catalog tells: it knows streams as a whole. */
export function knownCount({ filter, matched, since, until, newest, cursor }: Question): number | undefined {
  const isPartial = since !== undefined || newest !== undefined || cursor !== undefined
  if (isPartial || filter.grep !== '' || filter.sources.length > 0) return undefined
  const begun = matched.filter(({ first }) => until === undefined || first < until)
  if (begun.some(({ last }) => until !== undefined && last >= until)) return undefined
  return begun.reduce((sum, { records }) => sum + records, 0)
}

/** Where the store begins, when the question reaches back further. */
export function beginsAfter({ store }: Context, { since }: Question): bigint | undefined {
  const { begins } = store.status()
  return since !== undefined && begins !== undefined && since < begins ? begins : undefined
}

function waitingNote(target: Target, universe: Universe): ApiNote {
  const services = [...serviceNames(universe)].slice(0, MAX_KNOWN)
  const known = services.length > 0 ? `known are ${services.join(', ')}` : 'no service is known yet'
  return {
    code: 'waiting',
    message: `no service or task '${target.text}' yet: waiting for it; ${known}`,
    target: target.text,
    services,
  }
}

/** Everything that decides which records an answer has, in one form. */
function questionText(kind: string, parameters: Parameters): string {
  const {
    target,
    service,
    stack,
    task,
    node,
    container,
    source,
    grep,
    since,
    until,
    timezone,
    n,
    per,
    current,
    order,
  } = parameters
  const parts = [
    kind,
    target,
    service,
    stack,
    task,
    node,
    container,
    source,
    grep,
    since,
    until,
    timezone,
    n,
    per,
    current,
    order,
  ]
  return JSON.stringify(parts)
}

function universeOf({ inventories }: Context, summaries: readonly StreamSummary[]): Universe {
  return {
    streams: summaries.map(({ stream }) => stream),
    services: inventories.services.map(({ service }) => service),
  }
}

/** The targets' streams; where a catalog is given, only those of tasks that Docker still has. */
function choiceOf(
  { inventories }: Context,
  targets: readonly Target[],
  summaries: readonly StreamSummary[] | undefined,
): (stream: LogStream) => boolean {
  const isWanted = (stream: LogStream) => targets.length === 0 || targets.some((target) => target.matches(stream))
  if (summaries === undefined) return isWanted
  const last = new Map(summaries.map((summary) => [summary.stream.containerId, summary.last]))
  return (stream) => isWanted(stream) && inventories.isCurrent(stream, last.get(stream.containerId))
}

/** Docker pads a service's slots, but not those of a task that was asked for by itself. */
function widthsOf(targets: readonly Target[], width: (stream: LogStream) => number): (stream: LogStream) => number {
  const tasks = targets.filter(({ kind }) => kind === 'task')
  if (tasks.length === 0) return width
  const others = targets.filter(({ kind }) => kind !== 'task')
  return (stream) =>
    !others.some((target) => target.matches(stream)) && tasks.some((target) => target.matches(stream))
      ? 0
      : width(stream)
}
