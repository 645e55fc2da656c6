import Type, { type Static } from 'typebox'
import { ApiIngested } from '../../shared/api/answers.ts'
import { KEY_CHARS } from '../input/ndjson/limits.ts'
import { json, problem, problems, tooLarge, withToken, wrongMedia } from './documents.ts'

/** Types of bodies of lines. No browser sends these to another site without asking first. */
export const MEDIA_TYPES = [
  'application/x-ndjson',
  'application/jsonl',
  'application/x-jsonlines',
  'application/json',
] as const

const label = (description: string, example: string) =>
  Type.Optional(Type.String({ description, minLength: 1, maxLength: 1024, examples: [example] }))

/** Parameters of POST /ingest: labels of the lines that do not say other ones. */
export const IngestParameters = Type.Object(
  {
    service: label('Name of the service.', 'cron'),
    stack: label('Name of the stack.', 'ops'),
    node: label('Name of the node; when not given, the address of the sender.', 'backup1'),
    container: label('Name of the container.', 'backup'),
    task: label('Name of the task.', 'cron.1'),
    image: label('Image of the container.', 'backup:3'),
    tag: label('Tag of the sender; there always is one, `ndjson` when not given.', 'backup'),
    source: Type.Optional(
      Type.Enum(['stdout', 'stderr'], {
        type: 'string',
        description: 'Of which output; stdout when not given.',
        examples: ['stderr'],
      }),
    ),
  },
  { additionalProperties: false },
)
export type IngestParameters = Static<typeof IngestParameters>

const example = [
  '{"@timestamp":"2026-11-21T02:38:11.386458421Z","message":"backup done","service.name":"backup","level":"info","files":1203}',
  '{"time":1795228691.5,"msg":"backup slow","host":"backup1","seconds":912}',
]

/** The body, for the document; it is read as a stream. */
export const ingestBody = {
  content: {
    [MEDIA_TYPES[0]]: {
      schema: Type.String({
        description:
          'One JSON object a line. Its text is in `message`, `msg` or `log` (else the line itself is), its time in `@timestamp`, `timestamp`, `time` or `ts` (RFC 3339, or a number since 1970 ' +
          'in seconds to nanoseconds; else that of its arrival); labels go by the names that answers have (`service.name`, `host.name`, ...) or short (`service`, `host`, `container`, `image`); ' +
          'all others are its fields.',
        examples: [`${example.join('\n')}\n`],
      }),
    },
  },
}

/** POST /api/v1/ingest. */
export const ingestSchema = {
  operationId: 'ingest',
  tags: ['logs'],
  summary: 'Store lines',
  description:
    'Lines of senders that have no agent. It answers when they are stored. A line that cannot be taken is named in the answer, the others are stored. The body may be gzip or zstd (8 MiB; ' +
    '32 MiB inflated, as much as without), a line 2 MiB. With an Idempotency-Key the same body can be sent again, whatever became of it, and is stored once.',
  querystring: IngestParameters,
  headers: Type.Object({
    'idempotency-key': Type.Optional(
      Type.String({
        description: 'Text that is different for each body.',
        maxLength: KEY_CHARS,
        examples: ['backup-2026-11-21'],
      }),
    ),
    'content-encoding': Type.Optional(
      Type.String({ description: 'How the body is compressed: gzip or zstd.', examples: ['gzip'] }),
    ),
  }),
  security: withToken,
  response: {
    200: json('The lines are stored, all but those named.', ApiIngested, {
      accepted: 1999,
      rejected: 1,
      errors: [{ line: 17, message: 'cannot take this line: it is no JSON' }],
    }),
    ...problems,
    400: problem(
      'No line could be taken, the body is damaged, or a parameter is wrong.',
      'bad_request',
      'cannot take any of 2 lines; line 1: cannot take this line: it is no JSON',
    ),
    413: tooLarge,
    415: wrongMedia,
    503: problem(
      'The store cannot write now; some of the lines may be stored.',
      'store_unavailable',
      'cannot write to the store: the disk is full',
    ),
  },
}
