/** What an error of DuckDB means for us: its message is all it tells. */
export type Failure = 'newer' | 'locked' | 'held' | 'fatal' | 'durable' | 'invalidated' | 'damaged' | 'memory' | 'other'

const PATTERNS: readonly (readonly [Failure, RegExp])[] = [
  // First: a file of a newer DuckDB must never count as damaged.
  [
    'newer',
    /can only read versions? |newer version of DuckDB|storage version greater than|which is lower than what the database/i,
  ],
  ['locked', /Could not set lock on file/],
  // It was detached, and a query that began before still reads it.
  ['held', /^Binder Error: Unique file handle conflict/],
  // Of the whole engine, which then answers nothing any more; 'invalidated' is of one file.
  ['fatal', /^FATAL Error|previous fatal error/],
  ['memory', /^Out of Memory Error|Failed to commit: (failed to pin|failed to allocate|could not allocate) /],
  // The disk does not take what is written: whatever it was written for, what is there may be sound.
  ['other', /Could not (write|sync|fsync|truncate)|fsync failed|No space left on device/i],
  ['durable', /COMMIT succeeded and is durable/],
  ['invalidated', /has been invalidated/],
  [
    'damaged',
    /Corrupt (database file|WAL)|not a valid DuckDB database file|replaying .*WAL file|Could not read |Failed to deserialize/i,
  ],
]

/** Sorts an error of DuckDB by its text. */
export function failureOf(error: unknown): Failure {
  const message = messageOf(error)
  return PATTERNS.find(([, pattern]) => pattern.test(message))?.[0] ?? 'other'
}

/** The first line of an error's message. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.split('\n', 1)[0] ?? ''
}
