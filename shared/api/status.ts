import Type, { type Static } from 'typebox'
import { SPOOL_POLICIES } from '../report.ts'
import { Time } from './basics.ts'
import { LATE_REASONS } from './completeness.ts'
import { ApiGap } from './record.ts'

/*
 * What GET /api/v1/status and /api/v1/status/refused answer: see basics.ts.
 */

/** Where the lines live, and how it is there. */
export const ApiStoreStatus = Type.Object(
  {
    kind: Type.String({ description: 'As --store names it.', examples: ['embedded'] }),
    id: Type.String(),
    epoch: Type.Integer({ description: 'Greater after a loss of stored lines.' }),
    writable: Type.Boolean(),
    reason: Type.Optional(Type.String({ description: 'Why it cannot be written to.' })),
    records: Type.Integer({ description: 'How many lines are stored.', examples: [120345] }),
    bytes: Type.Integer({ description: 'On disk; in a cluster on those of all nodes.' }),
    begins: Type.Optional(Time('Time of the oldest line; absent when there is none.')),
    segments: Type.Integer({ description: 'Files of the embedded store; indices of a cluster.' }),
    absent: Type.Optional(
      Type.String({ description: 'Why lines of past days may be missing: the archive is not found. Also in /readyz.' }),
    ),
    damaged: Type.Array(Type.String(), { description: 'Files that were set aside.' }),
    refused: Type.Integer({ description: 'Lines that the store would never take, and that were put aside.' }),
    changed: Type.Optional(
      Type.String({
        description: 'The store is another one than agents knew: what was lost by that. Also in /readyz.',
      }),
    ),
    free_bytes: Type.Optional(Type.Integer({ description: 'Free on the disk of the embedded store.' })),
    max_bytes: Type.Optional(Type.Integer({ description: 'What the embedded store may take (--max-size).' })),
    archive: Type.Optional(
      Type.Object(
        {
          days: Type.Integer({ description: 'How many days are archived.', examples: [12] }),
          bytes: Type.Integer({ description: 'What they take.' }),
          kept: Type.Integer({ description: 'How many days are on hold, archived or not.' }),
        },
        { description: 'What of it is archived; absent where the store has no archive.' },
      ),
    ),
  },
  { title: 'StoreStatus' },
)
export type ApiStoreStatus = Static<typeof ApiStoreStatus>

const Containers = (description: string) =>
  Type.Object(
    {
      count: Type.Integer({ minimum: 0 }),
      named: Type.Array(
        Type.Object({
          'host.name': Type.String(),
          'service.name': Type.String(),
          'container.id': Type.String(),
          detail: Type.String({ examples: ['none'] }),
        }),
        { description: 'The first so many of them.' },
      ),
    },
    { description },
  )

/** What the agent of a node last reported. */
export const ApiAgentStatus = Type.Object(
  {
    version: Type.String({ examples: ['0.1.0'] }),
    connected: Type.Boolean({ description: 'To this server or to another one on the same store.' }),
    heard: Time('When its last report came.'),
    up_to: Type.Optional(Time('All lines of the node up to this time are stored, but for containers that are behind.')),
    lag_ms: Type.Optional(Type.Integer({ description: 'How long ago that was.', examples: [1800] })),
    ahead_ms: Type.Integer({
      description: "The engine's clock ahead of the server's, less what the report's way took.",
    }),
    following: Type.Integer({ description: 'Containers whose output it follows.' }),
    behind: Type.Integer({ description: 'Containers of which older lines are still to be read.' }),
    lines_per_second: Type.Number({ description: 'Over the last minute.' }),
    bytes_per_second: Type.Number(),
    spool: Type.Object({
      chunks: Type.Integer(),
      bytes: Type.Integer(),
      max_bytes: Type.Integer(),
      policy: Type.Enum(SPOOL_POLICIES),
      waits: Type.String({ description: 'Why nothing is read on: `full`, `disk`, or empty.' }),
      dropped: Type.Integer({ description: 'Chunks that were dropped since the agent started.' }),
    }),
    trouble: Type.String({ description: 'Why its engine cannot be reached, or empty.' }),
  },
  { title: 'AgentStatus' },
)
export type ApiAgentStatus = Static<typeof ApiAgentStatus>

/** A node that logs are to be collected of. */
export const ApiNodeStatus = Type.Object(
  {
    id: Type.String({ examples: ['q1tkqwdmgsbk4z52zdd1ou9k5'] }),
    name: Type.String({ examples: ['node1'] }),
    role: Type.String({ examples: ['manager'], description: 'Empty when no manager has told.' }),
    state: Type.Enum(['ready', 'down', 'drained', 'gone', 'alone'] as const, {
      description: '`gone`: the Swarm knows it no more; `alone`: it is in none.',
    }),
    engine: Type.String({ examples: ['26.1.5'] }),
    late: Type.Optional(Type.Enum(LATE_REASONS, { description: 'Why its lines are not all here; absent: they are.' })),
    agent: Type.Optional(ApiAgentStatus),
  },
  { title: 'NodeStatus' },
)
export type ApiNodeStatus = Static<typeof ApiNodeStatus>

/** What was lost of late. */
export const ApiGapStatus = Type.Object(
  {
    since: Time('Counted from here: the last day.'),
    count: Type.Integer({ description: 'Gaps that lost lines.' }),
    reasons: Type.Record(Type.String(), Type.Integer(), { description: 'How many of each, `lossy` included.' }),
    newest: Type.Array(ApiGap, { description: 'The newest few, the newest first.' }),
  },
  { title: 'GapStatus', description: 'Absent while the store does not answer.' },
)
export type ApiGapStatus = Static<typeof ApiGapStatus>

/** GET /status. */
export const ApiStatus = Type.Object(
  {
    version: Type.String({ examples: ['0.1.0'] }),
    time: Time("The server's clock."),
    verdict: Type.Enum(['complete', 'partial', 'unknown'] as const, {
      description: 'Of the lines of now, as answers have it; gaps do not count here.',
    }),
    membership: Type.Enum(['known', 'unknown'] as const),
    observers: Type.Array(Type.String(), { description: 'Names of the nodes whose agents tell who is in the Swarm.' }),
    nodes: Type.Array(ApiNodeStatus, { description: 'By name.' }),
    unreadable: Containers('Containers whose log driver cannot be read.'),
    lossy: Containers('Containers whose log driver may drop lines by itself.'),
    unrotated: Containers('Containers whose log files the engine never rotates.'),
    gaps: Type.Optional(ApiGapStatus),
    store: ApiStoreStatus,
  },
  { title: 'Status' },
)
export type ApiStatus = Static<typeof ApiStatus>

/** A line that the store would never take. */
export const ApiRefusal = Type.Object(
  {
    time: Time('When it was put aside.'),
    reason: Type.String(),
    'service.name': Type.Optional(Type.String()),
    'container.id': Type.Optional(Type.String()),
    excerpt: Type.String({ description: 'The beginning of what was refused, as it was to be stored.' }),
  },
  { title: 'Refusal' },
)
export type ApiRefusal = Static<typeof ApiRefusal>

/** GET /status/refused. */
export const ApiRefusals = Type.Object(
  { refused: Type.Array(ApiRefusal, { description: 'The newest first.' }) },
  { title: 'Refusals' },
)
export type ApiRefusals = Static<typeof ApiRefusals>
