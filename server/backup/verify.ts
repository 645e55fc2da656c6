import type { BackupManifest } from './manifest.ts'
import { BackupArchive } from './read.ts'

/** How far the reading of a backup has come. */
export interface BackupProgress {
  readonly step: 'written' | 'checked'
  readonly bytes: number
  readonly total: number
}

/** How a backup is read. */
export interface ReadRun {
  readonly signal: AbortSignal
  readonly onProgress: (progress: BackupProgress) => void
}

/** What a look at all of a backup says. */
export interface VerifiedBackup {
  readonly manifest: BackupManifest
  readonly fingerprint: string
  /** The files that are not what was saved. */
  readonly findings: readonly { readonly name: string; readonly why: string }[]
}

/** Reads all of a backup and tells what is wrong with it. Throws SWARMLOGS_USAGE, _STORE_DAMAGED or _STORE_NEWER when it is none at all. */
export async function verifyBackup(path: string, { signal, onProgress }: ReadRun): Promise<VerifiedBackup> {
  const archive = await BackupArchive.open(path)
  try {
    const { manifest, fingerprint, bytes: total } = archive
    const findings: { name: string; why: string }[] = []
    let bytes = 0
    for (const file of manifest.files) {
      const why = await archive.check(file, async (piece) => {
        signal.throwIfAborted()
        bytes += piece.length
        onProgress({ step: 'checked', bytes, total })
      })
      if (why !== '') findings.push({ name: file.name, why })
    }
    return { manifest, fingerprint, findings }
  } finally {
    await archive.close()
  }
}
