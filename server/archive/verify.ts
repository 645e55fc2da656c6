import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { Verified } from './archive.ts'
import { isAbsent, sha256Of } from './files.ts'
import type { ArchivedFolder } from './folder.ts'
import { folderName, MANIFEST, MANIFEST_COPY, membersOf, parseManifest, type Sealed } from './manifest.ts'

/** Reads all files of an archived day, and tells of each whether it is what was sealed. @param look why one, no manifest, is not; '' when it is */
export async function* verifyDay(
  folder: ArchivedFolder,
  look: (name: string, sealed: Sealed) => Promise<string>,
): AsyncGenerator<Verified> {
  const { manifest } = folder
  for (const name of [MANIFEST, MANIFEST_COPY]) {
    const looked = await lookAtManifest(folder, name)
    if (looked !== undefined) yield looked
  }
  for (const { name, bytes, sha256 } of membersOf(manifest))
    yield { name, bytes, why: await look(name, { bytes, sha256 }) }
}

/** Why a file is not what was sealed; '' when it is. Rejects when it cannot be read, which says nothing about what is in it. */
export async function damageOf(path: string, { bytes, sha256 }: Sealed, signal?: AbortSignal): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size !== bytes) return `it has ${size} bytes, not ${bytes}`
    return (await sha256Of(path, signal)) === sha256 ? '' : 'its SHA-256 is not that of the manifest'
  } catch (error) {
    if (isAbsent(error)) return 'it is not there'
    throw error
  }
}

/** Undefined for a copy that is not there: what was fetched from elsewhere has none. */
async function lookAtManifest({ path, manifest }: ArchivedFolder, name: string): Promise<Verified | undefined> {
  let bytes = 0
  try {
    const text = await readFile(join(path, name), 'utf8')
    bytes = Buffer.byteLength(text)
    const found = parseManifest(text, `${folderName(manifest)}/${name}`)
    return { name, bytes, why: folderName(found) === folderName(manifest) ? '' : 'it is of another day' }
  } catch (error) {
    if (isAbsent(error)) return name === MANIFEST ? { name, bytes, why: 'it is not there' } : undefined
    const cause = error instanceof SwarmlogsError ? error.cause : error
    return { name, bytes, why: cause instanceof Error ? cause.message : String(cause) }
  }
}
