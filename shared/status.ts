import Type, { type Static } from 'typebox'

/*
 * What GET /api/v1/status and /api/v1/status/refused answer: see api.ts.
 */

const Time = (description: string) =>
  Type.String({ description, format: 'date-time', examples: ['2026-11-21T02:38:11.386458421Z'] })

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
    damaged: Type.Array(Type.String(), { description: 'Files that were set aside.' }),
    refused: Type.Integer({ description: 'Lines that the store would never take, and that were put aside.' }),
  },
  { title: 'StoreStatus' },
)
export type ApiStoreStatus = Static<typeof ApiStoreStatus>

/** GET /status. */
export const ApiStatus = Type.Object(
  { version: Type.String({ examples: ['0.1.0'] }), time: Time("The server's clock."), store: ApiStoreStatus },
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
