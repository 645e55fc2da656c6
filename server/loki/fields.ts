import type { StoredRecord } from '../../shared/record.ts'

/** What kind of line the fields were found in. */
export function parserOf({ message }: Pick<StoredRecord, 'message'>): 'json' | 'logfmt' {
  return /^\s{0,64}\{/.test(message) ? 'json' : 'logfmt'
}

/** The fields that the line was found to hold when it came in, as text, by their dotted names. */
export function fieldsOf({ fields }: Pick<StoredRecord, 'fields'>): Map<string, string> {
  if (fields === '') return new Map()
  const values: Readonly<Record<string, unknown>> = JSON.parse(fields)
  return new Map(Object.entries(values).flatMap(([name, value]) => (value === null ? [] : [[name, String(value)]])))
}
