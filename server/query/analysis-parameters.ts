import Type, { type Static } from 'typebox'
import { BY_NAMES, events, examine, flag, scope, text } from './parameters.ts'

const MAX_NAME = 300
const field = (description: string, example: string) =>
  Type.String({ description, minLength: 1, maxLength: MAX_NAME, examples: [example] })
const limit = (what: string, most: number, usual: number) =>
  Type.Integer({ description: `At most so many ${what}.`, minimum: 1, maximum: most, default: usual, examples: [20] })

/** Parameters of GET /context. */
export const ContextParameters = Type.Object(
  {
    ...scope,
    cursor: Type.String({
      description: 'The line: the cursor of any record in any answer, or the id of an event of a tail.',
      minLength: 1,
      maxLength: 4096,
      examples: ['AQDwx...'],
    }),
    before: Type.Integer({
      description: 'So many lines before it.',
      minimum: 0,
      maximum: 1000,
      default: 10,
      examples: [5],
    }),
    after: Type.Integer({
      description: 'So many lines behind it.',
      minimum: 0,
      maximum: 1000,
      default: 10,
      examples: [5],
    }),
    within: Type.Enum(['stream', 'container', 'service', 'all'], {
      type: 'string',
      description:
        'Whose lines: `stream`: of its container and the same output; `container`: both outputs; `service`: of all its containers; `all`: of all there are.',
      default: 'container',
      examples: ['all'],
    }),
  },
  { additionalProperties: false },
)
export type ContextParameters = Static<typeof ContextParameters>

const FIELDS_OF_EVENTS = 'with the fields of all its lines, each as the first line says that has it'

/** Parameters of GET /fields. */
export const FieldsParameters = Type.Object(
  {
    ...scope,
    prefix: text('Only fields whose names begin like this; case does not matter.', 'user.', MAX_NAME),
    limit: limit('fields', 1000, 200),
    examine,
    events: events(`counts as one, ${FIELDS_OF_EVENTS}`),
  },
  { additionalProperties: false },
)
export type FieldsParameters = Static<typeof FieldsParameters>

/** Parameters of GET /values. */
export const ValuesParameters = Type.Object(
  {
    ...scope,
    field: field(`Which field: ${BY_NAMES}.`, 'service'),
    prefix: text('Only values that begin like this; case does not matter.', 'shop_', MAX_NAME),
    limit: limit('values', 1000, 20),
    examine,
    events: events(`counts as one, ${FIELDS_OF_EVENTS}, and the most severe of their levels`),
  },
  { additionalProperties: false },
)
export type ValuesParameters = Static<typeof ValuesParameters>

/** Parameters of GET /stats. */
export const StatsParameters = Type.Object(
  {
    ...scope,
    field: field(
      'The field of the lines that has the numbers; `message.bytes` is the length of each line, or event.',
      'duration_ms',
    ),
    by: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: MAX_NAME }), {
        maxItems: 3,
        description: `Apart for each value of up to three of: ${BY_NAMES}.`,
        examples: [['service']],
      }),
    ),
    interval: text('Apart for each so long (10s, 5m, 1h, 1d), from its multiples since 1970 on.', '5m', 100),
    quantile: Type.Array(Type.Number({ minimum: 0, maximum: 1 }), {
      maxItems: 20,
      description: 'Which quantiles.',
      default: [0.5, 0.9, 0.95, 0.99],
      examples: [[0.5, 0.99]],
    }),
    examine,
    events: events(`counts as one where its first line is, ${FIELDS_OF_EVENTS}`),
  },
  { additionalProperties: false },
)
export type StatsParameters = Static<typeof StatsParameters>

/** Parameters of GET /patterns. */
export const PatternsParameters = Type.Object(
  {
    ...scope,
    limit: limit('patterns', 1000, 50),
    new_since: text(
      'Only patterns of which no line that was examined is from before this time; forms as of `since`.',
      '10m',
    ),
    compare: flag(
      'Also count the window of the same length that ends at `since`, and put first what grew most; needs `since`.',
      false,
    ),
    examine,
    events: events('counts as one, like its first line'),
  },
  { additionalProperties: false },
)
export type PatternsParameters = Static<typeof PatternsParameters>
