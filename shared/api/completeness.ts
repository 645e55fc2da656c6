import Type, { type Static } from 'typebox'
import { Time } from './basics.ts'

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
