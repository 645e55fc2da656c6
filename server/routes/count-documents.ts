import { ApiCount, ApiHistogram } from '../../shared/api.ts'
import { CountParameters, HistogramParameters } from '../query/parameters.ts'
import { answer, counts, headersOfSearch, noSuchTarget, problems, withToken } from './documents.ts'

/** GET /api/v1/count. */
export const countSchema = {
  operationId: 'count',
  tags: ['logs'],
  summary: 'Count the lines',
  description: 'How many lines a search with the same parameters finds.',
  querystring: CountParameters,
  security: withToken,
  response: {
    200: answer(
      'The total.',
      { 'application/json': { schema: ApiCount, example: { records: counts.records } } },
      headersOfSearch,
    ),
    ...problems,
    404: noSuchTarget,
  },
}

/** GET /api/v1/histogram. */
export const histogramSchema = {
  operationId: 'histogram',
  tags: ['logs'],
  summary: 'Count the lines by time',
  description:
    'The lines that a search with the same parameters finds, counted by time and, with `by`, apart in each bucket. At most 30000 counts.',
  querystring: HistogramParameters,
  security: withToken,
  response: {
    200: answer(
      'The buckets that have lines, in order.',
      {
        'application/json': {
          schema: ApiHistogram,
          example: {
            interval: '5m',
            buckets: [{ start: counts.first, records: 345, counts: { error: 5, '': 340 } }],
          },
        },
      },
      headersOfSearch,
    ),
    ...problems,
    404: noSuchTarget,
  },
}
