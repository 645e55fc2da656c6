import { createHash } from 'node:crypto'
import { TAR_END, tarBytes, tarMember } from '../bundle/tar.ts'
import type { Snapshot, SnapshotFile, Store } from '../store/store.ts'
import { BACKUP_FORMAT, type BackupFile, type BackupManifest, MANIFEST } from './manifest.ts'

/** What a backup is made of. */
export interface BackupSource {
  readonly store: Pick<Store, 'identity'>
  readonly snapshot: Snapshot
  readonly version: string
  /** Nanoseconds since 1970. */
  readonly now: bigint
}

/** A backup that can be sent: how long it is, and its bytes. */
export interface Backup {
  readonly bytes: number
  readonly pieces: AsyncGenerator<Uint8Array>
}

const SUM_DIGITS = 64

/** Makes a backup: a plain tar archive of the store's files, with the sum of each in the manifest at its end. */
export function makeBackup(source: BackupSource): Backup {
  const { files } = source.snapshot
  // Sums have one length, so that the length of all is known before any is.
  const unsummed = files.map(({ name, bytes }) => ({ name, bytes, sha256: '0'.repeat(SUM_DIGITS) }))
  const sizes = [...files.map(({ bytes }) => bytes), manifestText(source, unsummed).length]
  const bytes = sizes.reduce((sum, size) => sum + tarBytes(size), TAR_END.length)
  return { bytes, pieces: piecesOf(source) }
}

async function* piecesOf(source: BackupSource): AsyncGenerator<Uint8Array> {
  const seconds = Number(source.now / 1_000_000_000n)
  const summed: BackupFile[] = []
  for (const file of source.snapshot.files) {
    const sum = createHash('sha256')
    yield* tarMember(file.name, file.bytes, seconds, summing(file, sum))
    summed.push({ name: file.name, bytes: file.bytes, sha256: sum.digest('hex') })
  }
  const text = manifestText(source, summed)
  yield* tarMember(MANIFEST, text.length, seconds, [text])
  yield TAR_END
}

async function* summing(file: SnapshotFile, sum: ReturnType<typeof createHash>): AsyncGenerator<Uint8Array> {
  for await (const piece of file.content()) {
    sum.update(piece)
    yield piece
  }
}

function manifestText({ store, snapshot, version, now }: BackupSource, files: readonly BackupFile[]): Buffer {
  const { records, received } = snapshot
  const manifest: BackupManifest = {
    format: BACKUP_FORMAT,
    version,
    made: new Date(Number(now / 1_000_000n)).toISOString(),
    store: { ...store.identity, records, received: String(received) },
    files,
  }
  return Buffer.from(`${JSON.stringify(manifest, undefined, 1)}\n`)
}
