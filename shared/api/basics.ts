import Type, { type Static } from 'typebox'

/*
 * What the HTTP API v1 answers: the server checks and documents its answers with these schemas, the CLI imports the types only.
 */

/** A time, RFC 3339 with nanoseconds. */
export const Time = (description: string) =>
  Type.String({ description, format: 'date-time', examples: ['2026-11-21T02:38:11.386458421Z'] })
/** A name or an id. */
export const Id = (example: string, description?: string) =>
  Type.String({ examples: [example], ...(description && { description }) })

/** Any text as a key: of `Type.String()` the writer of answers leaves out keys with a line break. */
export const AnyText = Type.String({ pattern: '^[\\s\\S]*$' })
/** What says whose a line is; empty values are left out. */
export const labels = {
  'service.name': Type.Optional(Id('shop_web')),
  'host.name': Type.Optional(Id('node1')),
  'host.id': Type.Optional(Id('q1tkqwdmgsbk4z52zdd1ou9k5')),
  'container.id': Type.Optional(Id('6b0f3d8d3b6a5e2f0c5d8b7f3b5f8e1d6b0f3d8d3b6a5e2f0c5d8b7f3b5f8e1d')),
  'container.name': Type.Optional(Id('shop_web.1.lfap0icnqswi')),
  'container.image.name': Type.Optional(Id('nginx:1.29')),
  'docker.swarm.cluster.id': Type.Optional(Id('l1hmgrbnvcyjjhxvgyq6ut8gk')),
  'docker.swarm.stack.name': Type.Optional(Id('shop')),
  'docker.swarm.service.id': Type.Optional(Id('mzzx1ebtv4yvpz5emwwtmf9zr')),
  'docker.swarm.task.id': Type.Optional(Id('lfap0icnqswi0z7gzrj9rxw3p')),
  'docker.swarm.task.name': Type.Optional(Id('shop_web.1.lfap0icnqswi0z7gzrj9rxw3p')),
  'docker.swarm.task.slot': Type.Optional(Type.Integer({ minimum: 1, examples: [1] })),
  tag: Type.Optional(Id('docker.web', 'The tag that a foreign sender gave.')),
}

/** What every request that fails is answered with. */
export const ApiProblem = Type.Object(
  {
    error: Type.Object({
      code: Type.String({ examples: ['bad_parameter'] }),
      message: Type.String({ examples: ["cannot use limit='many': give a whole number from 1 to 10000"] }),
      parameter: Type.Optional(Type.String({ examples: ['limit'] })),
      at: Type.Optional(
        Type.Integer({
          description:
            'Of a query: which character is the first that is wrong, from 1, as the message has it (UTF-16 units).',
          examples: [13],
        }),
      ),
      nearest: Type.Optional(
        Type.Array(Type.String(), { description: 'Known names like the one asked for, the likest first.' }),
      ),
      known: Type.Optional(Type.Array(Type.String(), { description: 'Names of the services that there are.' })),
    }),
  },
  { title: 'Problem', description: 'Why the request failed, and what would be right.' },
)
export type ApiProblem = Static<typeof ApiProblem>

/** GET /version. */
export const ApiVersion = Type.Object(
  {
    version: Type.String({ examples: ['0.1.0'] }),
    api: Type.Literal('v1'),
    node: Type.String({ examples: ['24.21.0'] }),
    store: Type.Object({ id: Type.String({ description: 'A UUID, as the store writes it.' }), epoch: Type.Integer() }),
    time: Time("The server's clock: relative times are meant by it."),
  },
  { title: 'Version' },
)
export type ApiVersion = Static<typeof ApiVersion>

/** GET /livez and /readyz. */
export const ApiHealth = Type.Object(
  {
    status: Type.Enum(['ok', 'unavailable'] as const),
    reason: Type.Optional(Type.String()),
    note: Type.Optional(Type.String({ description: 'What an operator should know although all is well.' })),
  },
  { title: 'Health' },
)
export type ApiHealth = Static<typeof ApiHealth>
