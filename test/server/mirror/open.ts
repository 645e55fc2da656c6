import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { type Logger, pino } from 'pino'
import { type Commits, OwnCommits } from '../../../server/commits.ts'
import { Inventories } from '../../../server/inventories.ts'
import { Live } from '../../../server/live.ts'
import { Mirror, type MirrorOptions } from '../../../server/mirror/mirror.ts'
import type { Store } from '../../../server/store/store.ts'
import { NOON } from '../store/records.ts'

/** What may be other than it is by default. */
export interface OpenOptions extends MirrorOptions {
  readonly maxBytes?: number
  readonly commits?: Commits
  readonly log?: Logger
}

/** A mirror of the store that keeps 30 days, on a day's noon. */
export function openMirror(dir: string, store: Store, options: OpenOptions = {}): Promise<Mirror> {
  const {
    maxBytes = 1e9,
    commits = new OwnCommits(store, new Live()),
    log = pino({ level: 'silent' }),
    ...rest
  } = options
  const context = { ...{ store, commits, log }, inventories: new Inventories(store), now: () => NOON }
  return Mirror.open({ dir, maxBytes, retentionMs: 30 * 86_400_000 }, context, { freeBytes: async () => 1e12, ...rest })
}

/** The files of a mirror, packed ones unpacked. */
export async function textsIn(dir: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const name of (await readdir(dir, { recursive: true })).sort()) {
    if (!name.includes('/') || name.endsWith('.new')) continue
    const bytes = await readFile(join(dir, name))
    found[name] = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
  }
  return found
}

/** How many lines each file of a mirror has. */
export async function lineCountsIn(dir: string): Promise<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(await textsIn(dir)).map(([name, text]) => [name, text.split('\n').length - 1]),
  )
}
