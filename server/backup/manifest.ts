import { SwarmlogsError } from '../../shared/errors.ts'
import { formatTime } from '../../shared/time.ts'

/** The version of the layout of backups. */
export const BACKUP_FORMAT = 1
/** The last member of a backup. */
export const MANIFEST = 'manifest.json'

const FILE =
  /^(?:catalog\.duckdb|archive\/(?:[\w-]+(?:\.json)?|\d{4}-\d\d-\d\d\.\d{1,9}\/[\w-]+(?:\.\w+)?)|segments\/\d{4}-\d\d-\d\d(?:\.odd)?\.\d{1,6}\.duckdb(?:\.wal)?|damaged\/[\w-][\w.-]{0,79})$/

/** One file of the store. */
export interface BackupFile {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

/** What a backup is of, and what must be in it. */
export interface BackupManifest {
  readonly format: number
  /** The swarmlogs that made it. */
  readonly version: string
  /** When it was made, RFC 3339. */
  readonly made: string
  /** The store, how many lines it had, and the newest commit that is in it (nanoseconds since 1970, as decimal text). */
  readonly store: { readonly id: string; readonly epoch: number; readonly records: number; readonly received: string }
  readonly files: readonly BackupFile[]
}

/** Whether a file of a backup can have this name: it leads nowhere but into the store's folder. */
export function isBackupName(name: string): boolean {
  return name === MANIFEST || FILE.test(name)
}

/** Reads a manifest. Throws SWARMLOGS_STORE_DAMAGED, or SWARMLOGS_STORE_NEWER when a newer version wrote it. */
export function parseManifest(text: string): BackupManifest {
  let manifest: BackupManifest
  try {
    manifest = JSON.parse(text)
    if (manifest.format > BACKUP_FORMAT) throw newer(manifest)
    check(manifest)
  } catch (cause) {
    if (cause instanceof SwarmlogsError) throw cause
    throw damagedBackup('its manifest cannot be read', cause)
  }
  return manifest
}

/** The error of a file that is no whole backup. */
export function damagedBackup(why: string, cause?: unknown): SwarmlogsError {
  const options = cause === undefined ? undefined : { cause }
  return new SwarmlogsError(
    'SWARMLOGS_STORE_DAMAGED',
    `cannot use this backup: ${why}; take a new one, or use an older one`,
    options,
  )
}

/** The error of what was asked to stop. */
export function stopped(what: string): SwarmlogsError {
  return new SwarmlogsError('SWARMLOGS_STORE_UNAVAILABLE', `cannot ${what}: it was stopped; nothing was written`)
}

/** A backup in a line, for people. */
export function describeBackup({ store, made, version }: BackupManifest): string {
  return `${store.records} lines of the store ${store.id}, up to ${formatTime(BigInt(store.received))}; made ${made} by swarmlogs ${version}`
}

function check({ format, version, made, store, files }: BackupManifest): void {
  const isRight =
    [format, store.epoch, store.records].every(Number.isSafeInteger) &&
    [version, made, store.id].every((text) => typeof text === 'string') &&
    /^\d{1,19}$/.test(store.received) &&
    Array.isArray(files) &&
    files.every(isFile) &&
    files.some(({ name }) => name === 'catalog.duckdb')
  if (!isRight) throw new Error('it lacks what every manifest has')
}

function isFile({ name, bytes, sha256 }: BackupFile): boolean {
  return FILE.test(name) && Number.isSafeInteger(bytes) && bytes >= 0 && /^[0-9a-f]{64}$/.test(sha256)
}

function newer({ version }: BackupManifest): SwarmlogsError {
  const message = `cannot use this backup: swarmlogs ${version} made it, in a newer format; use that version or a newer one`
  return new SwarmlogsError('SWARMLOGS_STORE_NEWER', message)
}
