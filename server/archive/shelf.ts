import { SwarmlogsError } from '../../shared/errors.ts'

/** Where copies of archived days are kept outside of this machine. Names are paths like '2026-11-19.1/lines-0001.parquet'. */
export interface Shelf {
  /** As messages name it: 's3://bucket/prefix'. */
  readonly name: string
  /** All that is there below the prefix, in order of names. */
  list(signal?: AbortSignal): AsyncIterable<{ readonly name: string; readonly bytes: number }>
  /** Puts a local file there; there whole or not at all; goes on where an interrupted try ended where possible. */
  put(name: string, path: string, signal?: AbortSignal): Promise<void>
  /** Fetches to a local path (by way of PATH.unfinished, going on behind what is there already), bytes exact. Throws SWARMLOGS_NOT_FOUND. */
  get(name: string, path: string, signal?: AbortSignal): Promise<void>
  /** Removes them; those that are not there count as removed. */
  remove(names: readonly string[], signal?: AbortSignal): Promise<void>
  /** Ends what is under way with an error, and all connections. */
  close(): void
}

/** Whether a shelf may have this name on it: a relative path that stays in its folder, wherever it is put. */
export function isShelfName(name: string): boolean {
  return name.length <= 500 && /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/.test(name)
}

/** Throws when a shelf may not have this name on it. */
export function checkShelfName(name: string): void {
  if (isShelfName(name)) return
  throw new SwarmlogsError(
    'SWARMLOGS_USAGE',
    `cannot use the name '${name}' in an archive: give letters, digits and ._- with / between folders`,
  )
}
