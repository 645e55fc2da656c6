import Type, { type Static } from 'typebox'
import { AnyText, Time } from './basics.ts'
import { ApiCompleteness } from './completeness.ts'
import { Annotated, ApiAnnotation, ApiGap, ApiRecord } from './record.ts'

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
