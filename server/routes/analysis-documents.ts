import { ApiContext, ApiFields, ApiPatterns, ApiStats, ApiValues } from '../../shared/api/analysis.ts'
import {
  ContextParameters,
  FieldsParameters,
  PatternsParameters,
  StatsParameters,
  ValuesParameters,
} from '../query/analysis-parameters.ts'
import { completeness, counts, examined, gap, question, record } from './documents.ts'

/** /api/v1/context. */
export const contextSchema = question(
  {
    operationId: 'context',
    summary: 'The lines around a line',
    description:
      'The lines before and behind a record that some answer had, of its own container or beyond. The other parameters choose among the neighbours, not the line itself.',
  },
  ContextParameters,
  {
    description: 'The line among its neighbours.',
    schema: ApiContext,
    example: { before: [record], record, after: [], gaps: [gap], completeness },
  },
)

/** /api/v1/fields. */
export const fieldsSchema = question(
  {
    operationId: 'fields',
    summary: 'List the labels and fields that lines have',
    description:
      'Labels are counted over all lines that a search with the same parameters finds, fields of lines over those that were examined. ' +
      'With `events` both are counted over events.',
  },
  FieldsParameters,
  {
    description: 'Labels, then fields of lines.',
    schema: ApiFields,
    example: {
      fields: [
        { name: 'service', kind: 'label', records: counts.records, types: ['string'] },
        { name: 'status', kind: 'line', records: 345, types: ['number'] },
      ],
      more: false,
      examined,
      completeness,
    },
  },
)

/** /api/v1/values. */
export const valuesSchema = question(
  {
    operationId: 'values',
    summary: 'List the most frequent values of a label or field',
    description:
      'Labels are counted over all lines that a search with the same parameters finds; of fields of lines the newest lines are examined. ' +
      'With `events` both are counted over events.',
  },
  ValuesParameters,
  {
    description: 'The values.',
    schema: ApiValues,
    example: {
      field: 'status',
      values: [
        { value: 200, records: 340 },
        { value: 503, records: 5 },
      ],
      ...{ more: false, without: 12, examined, completeness },
    },
  },
)

/** /api/v1/stats. */
export const statsSchema = question(
  {
    operationId: 'stats',
    summary: 'Count, sum, average, ends and quantiles of the numbers in a field',
    description:
      'Over the lines that a search with the same parameters finds, apart by up to three fields and over time. Quantiles are exact for the lines that were examined. At most 10000 groups. ' +
      'With `events` over events; `message.bytes` is then the length of all lines of each, with the line breaks between them.',
  },
  StatsParameters,
  {
    description: 'A group for each combination that lines have.',
    schema: ApiStats,
    example: {
      field: 'duration_ms',
      interval: '5m',
      groups: [
        {
          start: counts.first,
          by: { service: 'shop_web' },
          ...{ count: 3, sum: 36, avg: 12, min: 2, max: 24, quantiles: { '0.5': 10, '0.99': 23.7 } },
        },
      ],
      ...{ skipped: 0, examined, completeness },
    },
  },
)

/** /api/v1/patterns. */
export const patternsSchema = question(
  {
    operationId: 'patterns',
    summary: 'Cluster the lines by what they have in common',
    description:
      'The lines that a search with the same parameters finds, clustered by their words, with numbers, ids, addresses and times left open. Of lines of JSON the message is taken. ' +
      '`new_since` leaves what had not been there before; `compare` shows what grew. With `events` a pattern is that of the first lines of events, and its `example` an event.',
  },
  PatternsParameters,
  {
    description: 'The patterns.',
    schema: ApiPatterns,
    example: {
      patterns: [
        {
          pattern: 'GET /cart <num>',
          ...{ records: 345, share: 0.25, first: counts.first, last: counts.last, before: 100, growth: 3.4 },
          example: record,
        },
      ],
      ...{ more: false, unclustered: 0, examined, examined_before: examined, completeness },
    },
  },
)
