import Type, { type Static } from 'typebox'
import { labels, Time } from './basics.ts'

const counts = {
  records: Type.Integer({ description: 'How many lines are stored.', examples: [120345] }),
  first: Type.Optional(Time('Time of the first stored line.')),
  last: Type.Optional(Time('Time of the last stored line.')),
}

/** One service of GET /services. */
export const ApiService = Type.Object(
  {
    name: Type.String({ examples: ['shop_web'] }),
    id: Type.String({ examples: ['mzzx1ebtv4yvpz5emwwtmf9zr'], description: 'Empty outside a Swarm.' }),
    stack: Type.String({ examples: ['shop'] }),
    mode: Type.String({ examples: ['replicated'], description: 'Empty when no manager has told.' }),
    replicas: Type.Integer({ examples: [3], description: 'Wanted now, or last known; 0 for global services.' }),
    image: Type.String({ examples: ['nginx:1.29'] }),
    update: Type.String({ examples: ['completed'], description: 'State of its update, empty when there was none.' }),
    ...counts,
    current: Type.Union([Type.Boolean(), Type.Null()], {
      description: 'Still in the Swarm; null when no manager has told.',
    }),
  },
  { title: 'Service' },
)
export type ApiService = Static<typeof ApiService>
export const ApiServices = Type.Object({ services: Type.Array(ApiService) }, { title: 'Services' })
export type ApiServices = Static<typeof ApiServices>

/** One node of GET /nodes. */
export const ApiNode = Type.Object(
  {
    id: Type.String({ examples: ['q1tkqwdmgsbk4z52zdd1ou9k5'], description: 'Empty outside a Swarm.' }),
    name: Type.String({ examples: ['node1'] }),
    role: Type.String({ examples: ['manager'], description: 'Empty when no manager has told.' }),
    availability: Type.String({ examples: ['active'] }),
    state: Type.String({ examples: ['ready'] }),
    engine: Type.String({ examples: ['26.1.5'] }),
    agent_seen: Type.Optional(Time('When its agent last sent anything to this server.')),
    records: counts.records,
    last: counts.last,
  },
  { title: 'Node' },
)
export type ApiNode = Static<typeof ApiNode>
export const ApiNodes = Type.Object({ nodes: Type.Array(ApiNode) }, { title: 'Nodes' })
export type ApiNodes = Static<typeof ApiNodes>

/** One stream of GET /streams: the labels and counts of one container's output. */
export const ApiStream = Type.Object({ ...labels, ...counts }, { title: 'Stream' })
export type ApiStream = Static<typeof ApiStream>
export const ApiStreams = Type.Object({ streams: Type.Array(ApiStream) }, { title: 'Streams' })
export type ApiStreams = Static<typeof ApiStreams>
