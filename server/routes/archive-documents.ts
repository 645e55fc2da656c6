import Type from 'typebox'
import { ApiArchive, ApiHold } from '../../shared/api/archive.ts'
import { NoParameters } from '../query/parameters.ts'
import { answer, counts, json, problem, problems, tooLarge, withToken, wrongMedia } from './documents.ts'

const MAX_REASON = 1_000
const day = '2026-11-19'
const hold = { day, reason: 'case 4711', since: counts.last }

const noSuchDay = problem(
  'The day is not archived, or the store has no archive.',
  'not_archived',
  `cannot find ${day} in the archive: swarmlogs archive ls tells which days are archived`,
  'day',
)
const DayParameters = Type.Object({
  day: Type.String({ format: 'date', description: 'UTC day.', examples: [day] }),
})
const common = { tags: ['archive'], security: withToken }

/** GET /api/v1/archive. */
export const archiveSchema = {
  ...common,
  operationId: 'archive',
  summary: 'The days that are archived',
  querystring: NoParameters,
  response: {
    200: json('Those days.', ApiArchive, {
      place: '/var/lib/swarmlogs/archive',
      days: [
        {
          ...{ day, generation: 1, sealed: counts.last, lines: counts.records, streams: 12, gaps: 0 },
          ...{ first: `${day}T00:00:00.120000000Z`, last: `${day}T23:59:59.980000000Z`, files: 4 },
          ...{ bytes: 1_234_567, message_bytes: 12_345_678, hold, damaged: [] },
        },
      ],
      holds: [hold],
      damaged: [],
    }),
    ...problems,
    404: problem(
      'The store has no archive.',
      'no_archive',
      'cannot tell of archived days: the memory store archives none',
    ),
  },
}

/** POST /api/v1/archive/DAY/verify. */
export const verifySchema = {
  ...common,
  operationId: 'verifyArchived',
  summary: 'Read all files of an archived day and tell which are damaged',
  description: 'One line for each file as it is read, and a last one: {"end":true}.',
  params: DayParameters,
  querystring: NoParameters,
  response: {
    200: answer('Each file.', {
      'application/x-ndjson': {
        schema: Type.String(),
        example:
          '{"file":"manifest.json","bytes":2345,"lines":0}\n{"file":"lines-00001.parquet","bytes":1234567,"lines":100352}\n{"end":true}\n',
      },
    }),
    ...problems,
    404: noSuchDay,
  },
}

/** GET /api/v1/archive/DAY/FILE. */
export const fileSchema = {
  ...common,
  operationId: 'archivedFile',
  summary: 'A file of an archived day',
  description: '`manifest.json` tells which files there are, with their hashes.',
  params: Type.Object({
    ...DayParameters.properties,
    file: Type.String({ maxLength: 100, description: 'As the manifest names it.', examples: ['manifest.json'] }),
  }),
  querystring: NoParameters,
  response: {
    200: answer('The file.', {
      'application/octet-stream': { schema: Type.String({ format: 'binary' }), example: 'PAR1...' },
    }),
    ...problems,
    404: noSuchDay,
  },
}

/** DELETE /api/v1/archive/DAY. */
export const removeSchema = {
  ...common,
  operationId: 'removeArchived',
  summary: 'Delete an archived day',
  params: DayParameters,
  response: {
    200: json('It is gone.', Type.Object({ removed: Type.Literal(true) }), { removed: true }),
    ...problems,
    404: noSuchDay,
    409: problem(
      'The day is on hold.',
      'on_hold',
      `cannot delete ${day} from the archive: it is kept (case 4711); release it first`,
    ),
  },
}

/** PUT /api/v1/archive/DAY/hold. */
export const keepSchema = {
  ...common,
  operationId: 'keepArchived',
  summary: 'Put a day on hold, archived or not yet: it is not deleted from the archive until it is released',
  params: DayParameters,
  body: Type.Object(
    { reason: Type.String({ description: 'Why it must be kept.', maxLength: MAX_REASON, default: '' }) },
    { additionalProperties: false, examples: [{ reason: 'case 4711' }] },
  ),
  response: { 200: json('The hold.', ApiHold, hold), ...problems, 404: noSuchDay, 413: tooLarge, 415: wrongMedia },
}

/** DELETE /api/v1/archive/DAY/hold. */
export const releaseSchema = {
  ...common,
  operationId: 'releaseArchived',
  summary: 'End the hold of a day',
  params: DayParameters,
  response: {
    200: json('It is released.', Type.Object({ released: Type.Literal(true) }), { released: true }),
    ...problems,
    404: problem('The day is not on hold.', 'not_on_hold', `cannot release ${day}: it is not kept`, 'day'),
  },
}
