import Type, { type Static, type TObject } from 'typebox'
import { MAX_QUERY_CHARS, parseQuery } from '../../shared/query/parse.ts'
import { parseTime } from '../../shared/time.ts'
import { badParameter, ofParameter } from '../problem.ts'
import { type Filter, MAX_GREP_CHARS } from './query.ts'

const MAX_VALUES = 500
const MAX_NAME = 300

/** A parameter that can be given several times. */
export const list = (description: string, example: string) =>
  Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: MAX_NAME }), {
      maxItems: MAX_VALUES,
      description,
      examples: [[example]],
    }),
  )
/** A parameter that is true or false. */
export const flag = (description: string, value: boolean) => Type.Boolean({ description, default: value })
/** A parameter of text. */
export const text = (description: string, example: string, maxLength = 4096) =>
  Type.Optional(Type.String({ description, minLength: 1, maxLength, examples: [example] }))

const choice = {
  target: list(
    'Service (name, id, prefix of an id, glob; `web` means the service `web`, else each `*_web`) or task (`web.1`, id, prefix of an id).',
    'web',
  ),
  service: list('Glob over service names.', 'shop_*'),
  stack: list('Glob over stack names.', 'shop'),
  task: list('`web.1`, a task id or a prefix of one, or a glob over task names.', 'shop_web.1'),
  node: list('Glob over node names, a node id or a prefix of one.', 'node1'),
  container: list('Glob over container names, a container id or a prefix of one.', '6b0f3d8d3b6a'),
}

/** The parameters that choose lines: the same for all questions. */
export const scope = {
  ...choice,
  source: Type.Optional(
    Type.Array(Type.Enum(['stdout', 'stderr'], { type: 'string' }), {
      maxItems: 2,
      description: 'Only this output.',
      examples: [['stderr']],
    }),
  ),
  grep: text('Only lines that hold this text; case does not matter.', 'timeout', MAX_GREP_CHARS),
  q: text(
    'Only lines that this query finds: words, "phrases", /regexes/, fields and labels (see the README, "Query language").',
    'level>=error "connection refused"',
    MAX_QUERY_CHARS,
  ),
  since: text(
    'Only lines from this time on: RFC 3339, seconds since 1970, how long ago (10m, 2d), now, today, yesterday.',
    '2h',
  ),
  until: text('Only lines before this time; the same forms.', '10m'),
  timezone: Type.String({
    description: 'IANA name of the zone of times without one.',
    default: 'UTC',
    maxLength: 100,
    examples: ['Europe/Berlin'],
  }),
  current: flag('Only tasks that Docker still has (all, where no manager has told).', false),
}

const filter = {
  ...scope,
  n: Type.Optional(
    Type.Integer({ description: 'Only the newest lines, so many in all.', minimum: 0, maximum: 1e9, examples: [100] }),
  ),
  per: Type.Optional(
    Type.Enum(['task'], { type: 'string', description: 'With `n`: so many of each task.', examples: ['task'] }),
  ),
}

const print = {
  timestamps: flag('Text: begin each line with its time.', false),
  details: flag("Text: add the attributes that the container's log driver was given.", false),
  raw: flag('Text: the bare lines, without service, task and node.', false),
  resolve: flag('Text: names instead of ids.', true),
  taskids: flag('Text: with ids of tasks.', true),
  trunc: flag('Text: ids of tasks cut to 12 characters.', true),
}

/** Whether events are wanted, and how those then count. */
export const events = (how: string) =>
  flag(`Events instead of lines: a stack trace, or what is indented below a line, ${how}.`, false)

/** Parameters of GET /search. */
export const SearchParameters = Type.Object(
  {
    ...filter,
    order: Type.Enum(['asc', 'desc'], { type: 'string', description: 'By time.', default: 'asc', examples: ['desc'] }),
    limit: Type.Optional(
      Type.Integer({
        description: 'At most so many lines; JSON: 1000 when not given, at most 10000.',
        minimum: 1,
        maximum: 1e9,
        examples: [500],
      }),
    ),
    events: events('is one record with all of its text; with `n` (at most 10000) the newest events, not with `per`'),
    cursor: text('Go on where the answer that this cursor is from ended.', 'AQDwx...'),
    ...print,
  },
  { additionalProperties: false },
)
export type SearchParameters = Static<typeof SearchParameters>

/** The names of what lines can be counted by. */
export const BY_NAMES =
  'level, source, service, node, stack, task, slot, container, image, tag, cluster, a label as answers have it (host.id), or a field of the lines (user.id; `fields.level` where a label has the name)'

/** How far questions go that have to look at each line. */
export const examine = Type.Integer({
  description: 'Where each line has to be looked at: at most so many, the newest.',
  minimum: 1,
  maximum: 1_000_000,
  default: 200_000,
  examples: [1000],
})

/** The parameters that choose lines. */
export type ScopeParameters = Static<TObject<typeof scope>>

/** Parameters of GET /count. */
export const CountParameters = Type.Object(
  { ...scope, events: events('counts as one') },
  { additionalProperties: false },
)
export type CountParameters = Static<typeof CountParameters>

/** Parameters of GET /histogram. */
export const HistogramParameters = Type.Object(
  {
    ...scope,
    interval: text(
      'Length of a bucket (10s, 5m, 1h, 1d); when not given, one that makes some 60 of them. Buckets begin at its multiples since 1970.',
      '5m',
      100,
    ),
    by: Type.String({
      description: `What is counted apart in each bucket: ${BY_NAMES}.`,
      minLength: 1,
      maxLength: MAX_NAME,
      default: 'none',
      examples: ['level'],
    }),
    examine,
    events: events('counts as one, where its first line is'),
  },
  { additionalProperties: false },
)
export type HistogramParameters = Static<typeof HistogramParameters>

/** Parameters of GET /tail. */
export const TailParameters = Type.Object(
  {
    ...filter,
    events: events('is one record with all of its text; with `n` (at most 10000) the newest events, not with `per`'),
    cursor: text('The same as the header Last-Event-ID, which wins.', 'AQHwx...'),
    format: Type.Enum(['json', 'text'], {
      type: 'string',
      description: 'What the data of events is.',
      default: 'json',
      examples: ['text'],
    }),
    ...print,
  },
  { additionalProperties: false },
)
export type TailParameters = Static<typeof TailParameters>

/** Parameters of GET /streams. */
const { target: _, ...streamChoice } = choice
export const StreamsParameters = Type.Object(streamChoice, { additionalProperties: false })
export type StreamsParameters = Static<typeof StreamsParameters>

/** Addresses without parameters. */
export const NoParameters = Type.Object({}, { additionalProperties: false })

const FLAGS = ['current', 'compare', 'events', ...Object.keys(print)]

/** Flags may be given as docker's API has them (1, 0) or bare; rewrites them before the schema check. */
export function rewriteFlags(query: Record<string, unknown>): void {
  for (const name of FLAGS) {
    const value = query[name]
    if (value === '1' || value === '') query[name] = 'true'
    else if (value === '0') query[name] = 'false'
  }
}

/** The filter that the parameters ask for, `target` and `current` left out. */
export function filterOf(parameters: ScopeParameters | StreamsParameters): Filter {
  const { service = [], stack = [], task = [], node = [], container = [] } = parameters
  const { source = [], grep = '', q } = parameters as { source?: Filter['sources']; grep?: string; q?: string }
  const where = q === undefined ? undefined : ofParameter('q', () => parseQuery(q))
  const names = { services: service, stacks: stack, tasks: task, nodes: node, containers: container }
  // What asks for all asks for nothing.
  return { ...names, sources: source, grep, ...(where !== undefined && where.op !== 'all' && { where }) }
}

/** The time range that the parameters ask for, nanoseconds since 1970. */
export function rangeOf(
  parameters: { since?: string; until?: string; timezone: string },
  now: bigint,
): { since?: bigint; until?: bigint } {
  const { since, until, timezone } = parameters
  ofParameter('timezone', () => parseTime('today', now, timezone))
  const from = since === undefined ? undefined : ofParameter('since', () => parseTime(since, now, timezone))
  const to = until === undefined ? undefined : ofParameter('until', () => parseTime(until, now, timezone))
  if (from !== undefined && to !== undefined && from > to) {
    throw badParameter(
      'until',
      `cannot search from since=${since} to until=${until}: give an until that is later than since`,
    )
  }
  return { ...(from !== undefined && { since: from }), ...(to !== undefined && { until: to }) }
}
