import Type, { type Static } from 'typebox'
import { GAP_REASONS } from './gap.ts'
import { LEVELS } from './record.ts'

/*
 * What the HTTP API v1 answers: the server checks and documents its answers with these schemas, the CLI imports the types only.
 */

const Time = (description: string) =>
  Type.String({ description, format: 'date-time', examples: ['2026-11-21T02:38:11.386458421Z'] })
const Id = (example: string, description?: string) =>
  Type.String({ examples: [example], ...(description && { description }) })

/** Any text as a key: of `Type.String()` the writer of answers leaves out keys with a line break. */
export const AnyText = Type.String({ pattern: '^[\\s\\S]*$' })

const labels = {
  'service.name': Type.Optional(Id('shop_web')),
  'host.name': Type.Optional(Id('node1')),
  'host.id': Type.Optional(Id('q1tkqwdmgsbk4z52zdd1ou9k5')),
  'container.id': Type.Optional(Id('6b0f3d8d3b6a5e2f0c5d8b7f3b5f8e1d6b0f3d8d3b6a5e2f0c5d8b7f3b5f8e1d')),
  'container.name': Type.Optional(Id('shop_web.1.lfap0icnqswi')),
  'container.image.name': Type.Optional(Id('nginx:1.29')),
  'docker.swarm.cluster.id': Type.Optional(Id('l1hmgrbnvcyjjhxvgyq6ut8gk')),
  'docker.swarm.stack.name': Type.Optional(Id('shop')),
  'docker.swarm.service.id': Type.Optional(Id('mzzx1ebtv4yvpz5emwwtmf9zr')),
  'docker.swarm.task.id': Type.Optional(Id('lfap0icnqswi0z7gzrj9rxw3p')),
  'docker.swarm.task.name': Type.Optional(Id('shop_web.1.lfap0icnqswi0z7gzrj9rxw3p')),
  'docker.swarm.task.slot': Type.Optional(Type.Integer({ minimum: 1, examples: [1] })),
  tag: Type.Optional(Id('docker.web', 'The tag that a foreign sender gave.')),
}

/** Where an event ends though it may go on. */
export const EVENT_BOUNDS = ['lines', 'size', 'time', 'lookahead', 'quiet'] as const

/** One line; empty values are left out. */
export const ApiRecord = Type.Object(
  {
    '@timestamp': Time("The engine's time of the line."),
    message: Type.String({ examples: ['GET /cart 200'] }),
    'log.level': Type.Optional(Type.Enum(LEVELS)),
    'log.iostream': Type.Enum(['stdout', 'stderr'] as const),
    'event.received': Time('When the server stored it.'),
    ...labels,
    fields: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description:
          'What the line itself holds, by dotted name; of an event what its lines hold, each with the value of the first line that has it.',
      }),
    ),
    truncated_from: Type.Optional(
      Type.Integer({
        description:
          'Length in bytes of a line that was longer than 1 MiB and so was cut; of an event with such a line that of the whole event.',
      }),
    ),
    event_lines: Type.Optional(
      Type.Integer({ description: 'Of an event (`events`): how many lines it has.', minimum: 1, examples: [4] }),
    ),
    event_continued: Type.Optional(
      Type.Enum(EVENT_BOUNDS, {
        description:
          'Of an event: it goes on with the one before it of the same output, which ended at a bound: 1000 lines, 1 Mi characters (`size`), 5 s, ' +
          '20000 events or 32 Mi characters that waited for it (`lookahead`), or, of a tail, half a second without a line (`quiet`).',
      }),
    ),
    cursor: Type.Optional(Type.String({ description: 'Repeat the request with it to go on behind this record.' })),
  },
  { title: 'Record', description: 'One line of output; empty values are left out.' },
)
export type ApiRecord = Static<typeof ApiRecord>

/** What every request that fails is answered with. */
export const ApiProblem = Type.Object(
  {
    error: Type.Object({
      code: Type.String({ examples: ['bad_parameter'] }),
      message: Type.String({ examples: ["cannot use limit='many': give a whole number from 1 to 10000"] }),
      parameter: Type.Optional(Type.String({ examples: ['limit'] })),
      at: Type.Optional(
        Type.Integer({
          description:
            'Of a query: which character is the first that is wrong, from 1, as the message has it (UTF-16 units).',
          examples: [13],
        }),
      ),
      nearest: Type.Optional(
        Type.Array(Type.String(), { description: 'Known names like the one asked for, the likest first.' }),
      ),
      known: Type.Optional(Type.Array(Type.String(), { description: 'Names of the services that there are.' })),
    }),
  },
  { title: 'Problem', description: 'Why the request failed, and what would be right.' },
)
export type ApiProblem = Static<typeof ApiProblem>

/** Lines of a container, of any on a node or of any at all, that could not be collected. */
export const ApiGap = Type.Object(
  {
    ...labels,
    from: Time('The lines had times from here ...'),
    to: Time('... to here, both included.'),
    reason: Type.Enum(GAP_REASONS, {
      description:
        'Why; `refused`: the store will never take them; `lossy`: the log driver may have dropped lines, or none.',
    }),
    at_least: Type.Integer({ description: 'How many lines were lost at least.', minimum: 0, examples: [120] }),
    at_most: Type.Optional(Type.Integer({ description: 'How many at most, where that is known.', minimum: 0 })),
  },
  {
    title: 'Gap',
    description:
      'Lines of a container that could not be collected, or of any on a node where no container is named, or of any at all where no node is named either; empty values are left out.',
  },
)
export type ApiGap = Static<typeof ApiGap>

/** What somebody noted about a moment. */
export const ApiAnnotation = Type.Object(
  {
    ...labels,
    id: Type.String({ format: 'uuid' }),
    at: Time('The moment that it is about.'),
    text: Type.String({ examples: ['deploy of 1.4.2'] }),
    by: Type.String({ examples: ['anna'] }),
    made: Time('When it was written.'),
    cursor: Type.Optional(Type.String({ description: 'Of the line that it is about.' })),
  },
  { title: 'Annotation', description: 'What somebody noted, about a line or about a moment.' },
)
export type ApiAnnotation = Static<typeof ApiAnnotation>
export const ApiAnnotations = Type.Object({ annotations: Type.Array(ApiAnnotation) }, { title: 'Annotations' })
export type ApiAnnotations = Static<typeof ApiAnnotations>

/** What people noted, where it belongs; absent when there is none. */
export const Annotated = Type.Optional(
  Type.Array(ApiAnnotation, { description: 'What people noted about these times; absent when there is nothing.' }),
)

/** Why not all lines of a node are here. */
export const LATE_REASONS = [
  'down',
  'gone',
  'no_agent',
  'no_report',
  'not_connected',
  'engine',
  'spool',
  'lagging',
] as const

const NamedContainers = (description: string) =>
  Type.Array(
    Type.Object({
      'host.name': Type.String(),
      'service.name': Type.String(),
      'container.id': Type.String(),
      detail: Type.String({ examples: ['none'] }),
    }),
    { description },
  )

/** Whether an answer has all that it was asked for. */
export const ApiCompleteness = Type.Object(
  {
    verdict: Type.Enum(['complete', 'partial', 'unknown'] as const, {
      description: '`unknown`: nothing is known to be missing, but not which nodes there are.',
    }),
    membership: Type.Enum(['known', 'unknown'] as const, {
      description: 'Whether a manager tells, through its agent, which nodes are in the Swarm.',
    }),
    nodes: Type.Array(
      Type.Object({
        id: Type.String(),
        name: Type.String(),
        reason: Type.Enum(LATE_REASONS),
        up_to: Type.Optional(Time('Up to this time its lines are here.')),
      }),
      { description: 'Nodes of which lines are missing.' },
    ),
    gaps: Type.Integer({ description: 'How many gaps that lost lines are in the range of the question.', minimum: 0 }),
    unreadable: NamedContainers('Containers whose log driver cannot be read.'),
    lossy: NamedContainers('Containers whose log driver may drop lines by itself; the verdict leaves them out.'),
  },
  { title: 'Completeness', description: 'Whether the answer has all that was asked for, and if not, why.' },
)
export type ApiCompleteness = Static<typeof ApiCompleteness>

/** Why an answer is but a part. */
export const Stopped = Type.Optional(
  Type.String({
    description: 'Why this is only a part of the answer: the query took too long. Absent when it is all.',
  }),
)
/** How far such an answer went. */
export const CountedSince = Type.Optional(
  Time('Of a part: lines from this time on have been counted, none before; absent when none have.'),
)

/** One page of GET /search. */
export const ApiPage = Type.Object(
  {
    records: Type.Array(ApiRecord),
    cursor: Type.Union([Type.String(), Type.Null()], {
      description: 'Repeat the request with it to get the next page; null at the end.',
    }),
    end: Type.Boolean({
      description: 'There is no further page; false also for a part without a line, which has no cursor.',
    }),
    stopped: Stopped,
    gaps: Type.Array(ApiGap, { description: 'Gaps that begin within this page, in the order of the records.' }),
    annotations: Annotated,
    completeness: ApiCompleteness,
  },
  { title: 'Page' },
)
export type ApiPage = Static<typeof ApiPage>

/** The last line of GET /search as NDJSON when all went well; else it is an ApiProblem. */
export const ApiEnd = Type.Object(
  {
    end: Type.Literal(true),
    cursor: Type.Union([Type.String(), Type.Null()], {
      description: 'Where to go on when `limit` ended the answer; else null.',
    }),
    records: Type.Integer(),
    stopped: Stopped,
    completeness: ApiCompleteness,
  },
  { title: 'End' },
)
export type ApiEnd = Static<typeof ApiEnd>

/** How much of what was asked about an answer tells of. */
export const ApiExamined = Type.Object(
  {
    records: Type.Integer({
      description: 'How many lines, or events, were looked at, the newest first.',
      minimum: 0,
      examples: [345],
    }),
    limited: Type.Boolean({
      description: 'There are more of them, which the answer does not tell of: ask about less.',
    }),
    from: Type.Optional(Time('The oldest one that was looked at.')),
    stopped: Stopped,
  },
  { title: 'Examined', description: 'How much of what was asked about the answer tells of.' },
)
export type ApiExamined = Static<typeof ApiExamined>

/** GET /count. */
export const ApiCount = Type.Object(
  {
    records: Type.Integer({ description: 'How many lines there are.', examples: [120345] }),
    stopped: Stopped,
    counted_since: CountedSince,
    completeness: ApiCompleteness,
  },
  { title: 'Count' },
)
export type ApiCount = Static<typeof ApiCount>

/** GET /histogram. */
export const ApiHistogram = Type.Object(
  {
    interval: Type.String({ description: 'Length of a bucket.', examples: ['5m'] }),
    buckets: Type.Array(
      Type.Object({
        start: Time('When the bucket begins.'),
        records: Type.Integer({ description: 'How many lines it has.', examples: [345] }),
        counts: Type.Optional(
          Type.Record(AnyText, Type.Integer(), {
            description: "How many of each value of `by`; '' for lines without. Absent with by=none.",
          }),
        ),
      }),
      { description: 'In order; buckets without lines are left out.' },
    ),
    stopped: Stopped,
    counted_since: CountedSince,
    examined: Type.Optional(ApiExamined),
    completeness: ApiCompleteness,
  },
  { title: 'Histogram' },
)
export type ApiHistogram = Static<typeof ApiHistogram>
/** POST /ingest. */
export const ApiIngested = Type.Object(
  {
    accepted: Type.Integer({ description: 'How many lines are stored, now or before.', minimum: 0, examples: [1999] }),
    rejected: Type.Integer({ description: 'How many lines could not be taken.', minimum: 0, examples: [1] }),
    errors: Type.Array(
      Type.Object({
        line: Type.Integer({ description: 'Number of the line in the body, from 1.', minimum: 1, examples: [17] }),
        message: Type.String({ examples: ['cannot take this line: it is no JSON'] }),
      }),
      { description: 'The first 100 of these.' },
    ),
    expired: Type.Optional(
      Type.Object(
        { lines: Type.Integer({ minimum: 1, examples: [12] }), message: Type.String() },
        {
          description: 'Lines that were not stored, as they are older than the retention; absent when there are none.',
        },
      ),
    ),
  },
  { title: 'Ingested' },
)
export type ApiIngested = Static<typeof ApiIngested>

/** A line of GET /search as NDJSON that tells of a gap, in its place among the records. */
export const ApiGapLine = Type.Object({ gap: ApiGap }, { title: 'GapLine' })
export type ApiGapLine = Static<typeof ApiGapLine>

/** A line of GET /search as NDJSON with what somebody noted, in its place among the records; for clients that accept it. */
export const ApiAnnotationLine = Type.Object({ annotation: ApiAnnotation }, { title: 'AnnotationLine' })
export type ApiAnnotationLine = Static<typeof ApiAnnotationLine>

/** The last frame (type 4) of Docker's multiplexed stream, for clients that accept it. */
export const ApiTrailer = Type.Object(
  { completeness: ApiCompleteness, gaps: Type.Array(ApiGap), annotations: Annotated, stopped: Stopped },
  { title: 'Trailer' },
)
export type ApiTrailer = Static<typeof ApiTrailer>

/** Data of the events of GET /tail with format=text. */
export interface ApiText {
  readonly source: 'stdout' | 'stderr'
  /** The printed line, without a newline. */
  readonly text: string
}

/** Data of the `task` events of GET /tail. */
export interface ApiTaskChange {
  readonly change: 'comes' | 'goes'
  readonly service: string
  /** 0 for global services. */
  readonly slot: number
  /** Its id; empty outside a Swarm. */
  readonly task: string
  /** The container's name. */
  readonly container: string
  readonly node: string
}

/** Data of the `note` events of GET /tail. `passed`: lines behind the cursor were deleted before they were sent, and the verdict is not complete. `stopped`: reading the history took too long, and not all of it was sent. After `slow`, `shutdown` and `error` the stream ends and can be resumed; after `until` it is complete. */
export interface ApiNote {
  readonly code:
    | 'waiting'
    | 'targets'
    | 'begins'
    | 'passed'
    | 'archive'
    | 'stopped'
    | 'slow'
    | 'shutdown'
    | 'error'
    | 'until'
  readonly message: string
  /** With `waiting` and `targets`: which target. */
  readonly target?: string
  /** With `targets`: the services that it stands for. With `waiting`: the services that there are. */
  readonly services?: readonly string[]
}

const counts = {
  records: Type.Integer({ description: 'How many lines are stored.', examples: [120345] }),
  first: Type.Optional(Time('Time of the first stored line.')),
  last: Type.Optional(Time('Time of the last stored line.')),
}

/** One service of GET /services. */
export const ApiService = Type.Object(
  {
    name: Type.String({ examples: ['shop_web'] }),
    id: Type.String({ examples: ['mzzx1ebtv4yvpz5emwwtmf9zr'], description: 'Empty outside a Swarm.' }),
    stack: Type.String({ examples: ['shop'] }),
    mode: Type.String({ examples: ['replicated'], description: 'Empty when no manager has told.' }),
    replicas: Type.Integer({ examples: [3], description: 'Wanted now, or last known; 0 for global services.' }),
    image: Type.String({ examples: ['nginx:1.29'] }),
    update: Type.String({ examples: ['completed'], description: 'State of its update, empty when there was none.' }),
    ...counts,
    current: Type.Union([Type.Boolean(), Type.Null()], {
      description: 'Still in the Swarm; null when no manager has told.',
    }),
  },
  { title: 'Service' },
)
export type ApiService = Static<typeof ApiService>
export const ApiServices = Type.Object({ services: Type.Array(ApiService) }, { title: 'Services' })
export type ApiServices = Static<typeof ApiServices>

/** One node of GET /nodes. */
export const ApiNode = Type.Object(
  {
    id: Type.String({ examples: ['q1tkqwdmgsbk4z52zdd1ou9k5'], description: 'Empty outside a Swarm.' }),
    name: Type.String({ examples: ['node1'] }),
    role: Type.String({ examples: ['manager'], description: 'Empty when no manager has told.' }),
    availability: Type.String({ examples: ['active'] }),
    state: Type.String({ examples: ['ready'] }),
    engine: Type.String({ examples: ['26.1.5'] }),
    agent_seen: Type.Optional(Time('When its agent last sent anything to this server.')),
    records: counts.records,
    last: counts.last,
  },
  { title: 'Node' },
)
export type ApiNode = Static<typeof ApiNode>
export const ApiNodes = Type.Object({ nodes: Type.Array(ApiNode) }, { title: 'Nodes' })
export type ApiNodes = Static<typeof ApiNodes>

/** One stream of GET /streams: the labels and counts of one container's output. */
export const ApiStream = Type.Object({ ...labels, ...counts }, { title: 'Stream' })
export type ApiStream = Static<typeof ApiStream>
export const ApiStreams = Type.Object({ streams: Type.Array(ApiStream) }, { title: 'Streams' })
export type ApiStreams = Static<typeof ApiStreams>

/** GET /version. */
export const ApiVersion = Type.Object(
  {
    version: Type.String({ examples: ['0.1.0'] }),
    api: Type.Literal('v1'),
    node: Type.String({ examples: ['24.21.0'] }),
    store: Type.Object({ id: Type.String({ description: 'A UUID, as the store writes it.' }), epoch: Type.Integer() }),
    time: Time("The server's clock: relative times are meant by it."),
  },
  { title: 'Version' },
)
export type ApiVersion = Static<typeof ApiVersion>

/** GET /livez and /readyz. */
export const ApiHealth = Type.Object(
  {
    status: Type.Enum(['ok', 'unavailable'] as const),
    reason: Type.Optional(Type.String()),
    note: Type.Optional(Type.String({ description: 'What an operator should know although all is well.' })),
  },
  { title: 'Health' },
)
export type ApiHealth = Static<typeof ApiHealth>
