import type { ApiNote } from '../../shared/api/answers.ts'
import type { LogStream } from '../../shared/record.ts'
import { formatTime } from '../../shared/time.ts'
import type { Context } from '../context.ts'
import { ofParameter } from '../problem.ts'
import type { LineFormat } from '../store/store.ts'
import { type Choice, MAX_KNOWN, readChoice } from './choice.ts'
import { type Cursor, Cursors } from './cursor.ts'
import { looksAtLines } from './filter.ts'
import { slotWidths } from './padding.ts'
import { rangeOf, type SearchParameters, type TailParameters } from './parameters.ts'
import { lineFormat } from './print.ts'
import { serviceNames, type Target, type Universe } from './targets.ts'

/** What a search or a tail was asked, resolved against what there is. */
export interface Question extends Choice {
  readonly since?: bigint
  readonly until?: bigint
  readonly newest?: number
  readonly perTask: boolean
  /** Where to go on. */
  readonly cursor?: Cursor
  readonly cursors: Cursors
  readonly format: LineFormat
  /** Whether its lines are looked at, where its filter does not tell. */
  readonly isLookedAt?: boolean
}

type Parameters = Pick<SearchParameters, keyof SearchParameters & keyof TailParameters> & {
  order?: string
  events?: boolean
}

/** Resolves parameters that passed their schema. Throws a Problem that names the wrong parameter. */
export async function readQuestion(context: Context, kind: Cursor['kind'], parameters: Parameters): Promise<Question> {
  const { store, inventories } = context
  const cursors = new Cursors(store.identity.id, questionText(kind, parameters))
  const { cursor: cursorText } = parameters
  const cursor = cursorText === undefined ? undefined : ofParameter('cursor', () => cursors.read(cursorText, kind))
  const asked = rangeOf(parameters, context.now())
  // Relative times must not move between the parts of one answer.
  const range = cursor === undefined ? asked : { since: cursor.since, until: cursor.until }
  const choice = await readChoice(context, parameters)
  return {
    ...choice,
    ...(range.since !== undefined && { since: range.since }),
    ...(range.until !== undefined && { until: range.until }),
    ...(parameters.n !== undefined && { newest: parameters.n }),
    perTask: parameters.per === 'task',
    ...(cursor && { cursor }),
    cursors,
    format: lineFormat(parameters, widthsOf(choice.targets, slotWidths(inventories, choice.universe.streams))),
  }
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
  const { absent } = context.store.status()
  if (absent !== undefined) {
    return [
      ...notes,
      { code: 'archive', message: `lines of past days may be missing, the archive is not found: ${absent}` },
    ]
  }
  const begins = beginsAfter(context, question)
  if (begins === undefined) return notes
  return [...notes, { code: 'begins', message: `the store begins at ${formatTime(begins)}: nothing older is kept` }]
}

/** How many records the answer has, where the catalog tells: it knows streams as a whole. */
export function knownCount({ filter, matched, since, until, newest, cursor }: Question): number | undefined {
  const isPartial = since !== undefined || newest !== undefined || cursor !== undefined
  if (isPartial || looksAtLines(filter) || filter.sources.length > 0) return undefined
  const begun = matched.filter(({ first }) => until === undefined || first < until)
  if (begun.some(({ last }) => until !== undefined && last >= until)) return undefined
  return begun.reduce((sum, { records }) => sum + records, 0)
}

/** Where the store begins, when the question reaches back further. */
export function beginsAfter({ store }: Context, { since }: Pick<Question, 'since'>): bigint | undefined {
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

/** The parameters that decide which records an answer has. */
const DECIDING = [
  ...(['target', 'service', 'stack', 'task', 'node', 'container', 'source', 'grep', 'q'] as const),
  ...(['since', 'until', 'timezone', 'n', 'per', 'current', 'order', 'events'] as const),
]

/** Everything that decides which records an answer has, in one form. */
function questionText(kind: string, parameters: Parameters): string {
  return JSON.stringify([kind, ...DECIDING.map((name) => parameters[name])])
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
