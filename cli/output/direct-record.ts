import type { ApiRecord } from '../../shared/api/record.ts'
import { streamFields } from '../../shared/fields.ts'
import type { LogRecord } from '../../shared/record.ts'
import { formatTime } from '../../shared/time.ts'

/** A line that no server has seen, as one would answer it: without a time of receipt and a cursor. */
export function directRecord({ time, message, level, source, stream, fields, cutFrom }: LogRecord): ApiRecord {
  return {
    '@timestamp': formatTime(time),
    message,
    ...(level !== '' && { 'log.level': level }),
    'log.iostream': source,
    ...streamFields(stream),
    ...(fields !== '' && { fields: JSON.parse(fields) }),
    ...(cutFrom !== 0 && { truncated_from: cutFrom }),
  } as ApiRecord
}
