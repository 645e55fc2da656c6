import Type, { type Static, type TSchema } from 'typebox'
import { ApiExamined, CountedSince, Stopped } from './answers.ts'
import { AnyText, Time } from './basics.ts'
import { ApiCompleteness } from './completeness.ts'
import { Annotated, ApiGap, ApiRecord } from './record.ts'

/*
 * What the addresses that look closer answer: a line's surroundings, fields, values, numbers and patterns.
 */

const Count = (description: string) => Type.Integer({ description, minimum: 0, examples: [345] })
const Scalar = (description: string, example: unknown = 'shop_web') =>
  Type.Union([Type.String(), Type.Number(), Type.Boolean()], { description, examples: [example] })

/** GET /context. */
export const ApiContext = Type.Object(
  {
    before: Type.Array(ApiRecord, { description: 'The lines before it, in order.' }),
    record: ApiRecord,
    after: Type.Array(ApiRecord, { description: 'The lines behind it, in order.' }),
    stopped: Stopped,
    gaps: Type.Array(ApiGap, { description: 'Gaps between the first and the last of these lines.' }),
    annotations: Annotated,
    completeness: ApiCompleteness,
  },
  { title: 'Context', description: 'A line among its neighbours.' },
)
export type ApiContext = Static<typeof ApiContext>

const NamedField = Type.Object({
  name: Type.String({ examples: ['status'] }),
  kind: Type.Enum(['label', 'line'] as const, {
    description: '`label`: known of each line; `line`: found in lines, counted in those that were examined.',
  }),
  records: Count('How many lines, or events, have it.'),
  types: Type.Array(Type.Enum(['string', 'number', 'boolean'] as const), { description: 'Of its values.' }),
})

/** GET /fields. */
export const ApiFields = Type.Object(
  {
    fields: Type.Array(NamedField, { description: 'Labels, then fields of lines, the most frequent first.' }),
    more: Type.Boolean({ description: 'There are more fields than `limit`.' }),
    stopped: Stopped,
    counted_since: CountedSince,
    examined: ApiExamined,
    completeness: ApiCompleteness,
  },
  { title: 'Fields' },
)
export type ApiFields = Static<typeof ApiFields>

/** GET /values. */
export const ApiValues = Type.Object(
  {
    field: Type.String({ examples: ['status'] }),
    values: Type.Array(
      Type.Object({ value: Scalar('The value.'), records: Count('How many lines, or events, have it.') }),
      {
        description:
          'The most frequent first; equally frequent ones by their text. A number and a string that reads the same are one value, as for queries.',
      },
    ),
    more: Type.Boolean({ description: 'There are more values than are listed.' }),
    without: Count('How many lines, or events, have no value.'),
    stopped: Stopped,
    counted_since: CountedSince,
    examined: ApiExamined,
    completeness: ApiCompleteness,
  },
  { title: 'Values' },
)
export type ApiValues = Static<typeof ApiValues>

const Numbers = <Fields extends Record<string, TSchema>>(more: Fields) =>
  Type.Object({
    ...more,
    count: Count('How many numbers.'),
    sum: Type.Number({ examples: [1234.5] }),
    avg: Type.Number({ examples: [12.3] }),
    min: Type.Number({ examples: [1] }),
    max: Type.Number({ examples: [99] }),
    quantiles: Type.Record(Type.String(), Type.Number(), {
      description: 'By the share that is below, interpolated between neighbours.',
      examples: [{ '0.5': 10, '0.99': 98 }],
    }),
  })

/** GET /stats. */
export const ApiStats = Type.Object(
  {
    field: Type.String({ examples: ['duration_ms'] }),
    interval: Type.Optional(
      Type.String({ description: 'Length of a bucket, when it is over time.', examples: ['5m'] }),
    ),
    groups: Type.Array(
      Numbers({
        start: Type.Optional(Time('When the bucket begins, when it is over time.')),
        by: Type.Record(AnyText, Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]), {
          description: 'The values of the fields that it is by; null: none.',
          examples: [{ service: 'shop_web' }],
        }),
      }),
      { description: 'In order of time, then the one with the most numbers first.' },
    ),
    skipped: Count('How many lines, or events, have the field, but no number in it.'),
    examined: ApiExamined,
    completeness: ApiCompleteness,
  },
  { title: 'Stats' },
)
export type ApiStats = Static<typeof ApiStats>

/** GET /patterns. */
export const ApiPatterns = Type.Object(
  {
    patterns: Type.Array(
      Type.Object({
        pattern: Type.String({
          description:
            'What the lines have in common; `<num>`, `<hex>`, `<ip>`, `<uuid>`, `<time>`, `<*>` stand for what differs.',
          examples: ['GET /cart <num>'],
        }),
        records: Count('How many lines, or events, are like it.'),
        share: Type.Number({ description: 'Their part of all that were examined, 0 to 1.', examples: [0.25] }),
        first: Time('Time of the first of them.'),
        last: Time('Time of the last of them.'),
        before: Type.Optional(Count('How many of the window before are like it.')),
        growth: Type.Optional(
          Type.Number({
            description: 'How many times as many as before, as parts of all that were examined, each counted one more.',
            examples: [2.5],
          }),
        ),
        example: ApiRecord,
      }),
      { description: 'The most frequent first; with `compare` those that grew most.' },
    ),
    more: Type.Boolean({ description: 'There are more patterns than `limit`.' }),
    unclustered: Count('Lines, or events, that were left over when there were too many patterns.'),
    examined: ApiExamined,
    examined_before: Type.Optional(ApiExamined),
    completeness: ApiCompleteness,
  },
  { title: 'Patterns' },
)
export type ApiPatterns = Static<typeof ApiPatterns>
