import Type from 'typebox'
import { ApiHealth, ApiVersion } from '../../shared/api/basics.ts'
import { ApiNodes, ApiServices, ApiStreams } from '../../shared/api/catalog.ts'
import { NoParameters, StreamsParameters } from '../query/parameters.ts'
import { answer, counts, json, problems, record, withToken } from './documents.ts'

/** GET /api/v1/services. */
export const servicesSchema = {
  operationId: 'services',
  tags: ['overview'],
  summary: 'Services that have lines or are in the Swarm',
  querystring: NoParameters,
  security: withToken,
  response: {
    200: json('All services by name.', ApiServices, {
      services: [
        {
          name: 'shop_web',
          id: 'mzzx1ebtv4yvpz5emwwtmf9zr',
          stack: 'shop',
          mode: 'replicated',
          replicas: 3,
          image: 'nginx:1.29',
          update: 'completed',
          ...counts,
          current: true,
        },
      ],
    }),
    ...problems,
  },
}

/** GET /api/v1/nodes. */
export const nodesSchema = {
  operationId: 'nodes',
  tags: ['overview'],
  summary: 'Nodes that have lines or are in the Swarm',
  querystring: NoParameters,
  security: withToken,
  response: {
    200: json('All nodes by name.', ApiNodes, {
      nodes: [
        {
          id: record['host.id'],
          name: 'node1',
          role: 'manager',
          availability: 'active',
          state: 'ready',
          engine: '26.1.5',
          agent_seen: counts.last,
          records: counts.records,
          last: counts.last,
        },
      ],
    }),
    ...problems,
  },
}

/** GET /api/v1/streams. */
export const streamsSchema = {
  operationId: 'streams',
  tags: ['overview'],
  summary: 'Streams: the labels and counts of each container',
  querystring: StreamsParameters,
  security: withToken,
  response: {
    200: json('The streams by service.', ApiStreams, {
      streams: [{ 'service.name': 'shop_web', 'docker.swarm.task.slot': 1, ...counts }],
    }),
    ...problems,
  },
}

/** GET /api/v1/version. */
export const versionSchema = {
  operationId: 'version',
  tags: ['overview'],
  summary: 'Versions, the identity of the store, and the clock',
  querystring: NoParameters,
  security: withToken,
  response: {
    200: json('What answers here.', ApiVersion, {
      version: '0.1.0',
      api: 'v1',
      node: '24.21.0',
      store: { id: '3f0c5d8b-7f3b-4f8e-9d6b-0f3d8d3b6a5e', epoch: 1 },
      time: counts.last,
    }),
    ...problems,
  },
}

const health = { tags: ['health'], querystring: NoParameters, security: [] }
const ok = json('It is.', ApiHealth, { status: 'ok' })

/** GET /livez. */
export const livezSchema = {
  ...health,
  operationId: 'livez',
  summary: 'Whether the server is alive',
  response: { 200: ok, 400: problems[400] },
}

/** GET /readyz. */
export const readyzSchema = {
  ...health,
  operationId: 'readyz',
  summary: 'Whether the store can be written to',
  response: {
    200: ok,
    400: problems[400],
    503: json('It is not.', ApiHealth, {
      status: 'unavailable',
      reason: 'the store cannot be written to: the disk is full',
    }),
  },
}

/** GET /metrics. */
export const metricsSchema = {
  operationId: 'metrics',
  tags: ['health'],
  summary: 'Metrics for Prometheus',
  querystring: NoParameters,
  security: withToken,
  response: {
    200: answer('All metrics.', {
      'text/plain': { schema: Type.String(), example: 'swarmlogs_build_info{version="0.1.0",node="24.21.0"} 1\n' },
    }),
    400: problems[400],
    401: problems[401],
  },
}
