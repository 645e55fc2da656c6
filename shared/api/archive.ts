import Type, { type Static } from 'typebox'
import { Time } from './basics.ts'

/*
 * What /api/v1/archive answers: see basics.ts.
 */

const Day = Type.String({ description: 'UTC day.', format: 'date', examples: ['2026-11-19'] })
const Names = (description: string) =>
  Type.Array(Type.String({ examples: ['2026-11-19.1/lines-00001.parquet'] }), { description })

/** A day that must be kept. */
export const ApiHold = Type.Object(
  {
    day: Day,
    reason: Type.String({ examples: ['case 4711'] }),
    since: Time('When it was put on hold.'),
  },
  { title: 'Hold', description: 'Whatever its age, the day is not deleted from the archive.' },
)
export type ApiHold = Static<typeof ApiHold>

/** A day that is archived. */
export const ApiArchivedDay = Type.Object(
  {
    day: Day,
    generation: Type.Integer({ description: 'How often it was sealed: anew with each of its late lines.', minimum: 1 }),
    sealed: Time('When it was archived.'),
    lines: Type.Integer({ examples: [120345] }),
    streams: Type.Integer({ description: 'Containers that these are of.' }),
    gaps: Type.Integer({ description: 'Gaps of the day.' }),
    first: Time('Time of its first line.'),
    last: Time('Time of its last line.'),
    files: Type.Integer(),
    bytes: Type.Integer({ description: 'Of all its files.' }),
    message_bytes: Type.Integer({ description: 'Of the messages that are in them.' }),
    hold: Type.Optional(ApiHold),
    damaged: Names('Files that proved damaged, as far as was looked.'),
  },
  { title: 'ArchivedDay' },
)
export type ApiArchivedDay = Static<typeof ApiArchivedDay>

/** GET /archive. */
export const ApiArchive = Type.Object(
  {
    place: Type.String({ description: 'Where the archive is.', examples: ['/var/lib/swarmlogs/archive'] }),
    days: Type.Array(ApiArchivedDay, { description: 'The oldest first.' }),
    holds: Type.Array(ApiHold, { description: 'Days on hold, archived or not.' }),
    damaged: Names('Damaged manifests: where a copy is damaged too, the day is left out.'),
  },
  { title: 'Archive' },
)
export type ApiArchive = Static<typeof ApiArchive>

/** One line of the answer to POST /archive/DAY/verify: a file, or the end, or why there is no end. */
export const ApiVerified = Type.Object(
  {
    file: Type.Optional(Type.String({ examples: ['lines-00001.parquet'] })),
    bytes: Type.Optional(Type.Integer()),
    lines: Type.Optional(Type.Integer({ description: 'Lines of the day that are in it.' })),
    why: Type.Optional(Type.String({ description: 'Why it is not what was sealed; absent: it is.' })),
    end: Type.Optional(Type.Literal(true)),
    error: Type.Optional(Type.Object({ code: Type.String(), message: Type.String() })),
  },
  { title: 'Verified' },
)
export type ApiVerified = Static<typeof ApiVerified>
