import Type from 'typebox'
import { ApiRefusals, ApiStatus } from '../../shared/api/status.ts'
import { NoParameters } from '../query/parameters.ts'
import { counts, gap, json, problems, record, withToken } from './documents.ts'

const nothing = { count: 0, named: [] }
const agent = {
  ...{ version: '0.1.0', connected: true, heard: counts.last, up_to: counts.last, lag_ms: 1800, ahead_ms: 0 },
  ...{ following: 14, behind: 0, lines_per_second: 12.5, bytes_per_second: 2048, trouble: '' },
  spool: { chunks: 0, bytes: 0, max_bytes: 2 ** 30, policy: 'block', waits: '', dropped: 0 },
}

/** GET /api/v1/status. */
export const statusSchema = {
  operationId: 'status',
  tags: ['overview'],
  summary: 'How the server, its store and the agents are',
  querystring: NoParameters,
  security: withToken,
  response: {
    200: json('How it is.', ApiStatus, {
      version: '0.1.0',
      time: counts.last,
      ...{ verdict: 'complete', membership: 'known', observers: ['node1'] },
      nodes: [{ id: record['host.id'], name: 'node1', role: 'manager', state: 'ready', engine: '26.1.5', agent }],
      ...{ unreadable: nothing, lossy: nothing, unrotated: nothing },
      gaps: { since: counts.first, count: 1, reasons: { rotated: 1 }, newest: [gap] },
      store: {
        ...{ kind: 'embedded', id: '3f0c5d8b-7f3b-4f8e-9d6b-0f3d8d3b6a5e', epoch: 1, writable: true },
        ...{ records: counts.records, bytes: 12_345_678, begins: counts.first, segments: 2, damaged: [], refused: 0 },
        archive: { days: 12, bytes: 3_456_789, kept: 1 },
      },
    }),
    ...problems,
  },
}

const RefusalsParameters = Type.Object(
  {
    limit: Type.Integer({ description: 'At most so many.', minimum: 1, maximum: 1000, default: 20, examples: [20] }),
  },
  { additionalProperties: false },
)

/** GET /api/v1/status/refused. */
export const refusedSchema = {
  operationId: 'refused',
  tags: ['overview'],
  summary: 'The newest lines that the store would never take',
  querystring: RefusalsParameters,
  security: withToken,
  response: {
    200: json('Those lines, the newest first.', ApiRefusals, {
      refused: [
        {
          time: counts.last,
          reason: 'document_parsing_exception: failed to parse',
          'service.name': record['service.name'],
          'container.id': record['container.id'],
          excerpt: '{"@timestamp":"2026-11-21T02:38:11.386458421Z","message":"GET /cart 200"',
        },
      ],
    }),
    ...problems,
  },
}
