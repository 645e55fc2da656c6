import Type, { type Static } from 'typebox'
import { GAP_REASONS } from '../gap.ts'
import { LEVELS } from '../record.ts'
import { labels, Time } from './basics.ts'

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
