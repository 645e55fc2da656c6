import { ApiCount, ApiHistogram } from '../../shared/api/answers.ts'
import { CountParameters, HistogramParameters } from '../query/parameters.ts'
import { completeness, counts, question } from './documents.ts'

/** /api/v1/count. */
export const countSchema = question(
  {
    operationId: 'count',
    summary: 'Count the lines',
    description: 'How many lines a search with the same parameters finds.',
  },
  CountParameters,
  { description: 'The total.', schema: ApiCount, example: { records: counts.records, completeness } },
)

/** /api/v1/histogram. */
export const histogramSchema = question(
  {
    operationId: 'histogram',
    summary: 'Count the lines by time',
    description:
      'The lines that a search with the same parameters finds, counted by time and, with `by`, apart in each bucket. At most 30000 counts.',
  },
  HistogramParameters,
  {
    description: 'The buckets that have lines, in order; `examined` is there when each line had to be looked at.',
    schema: ApiHistogram,
    example: {
      interval: '5m',
      buckets: [{ start: counts.first, records: 345, counts: { error: 5, '': 340 } }],
      completeness,
    },
  },
)
