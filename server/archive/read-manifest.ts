import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { SwarmlogsError } from '../../shared/errors.ts'
import { isAbsent } from './files.ts'
import { type DayManifest, folderName, MANIFEST, MANIFEST_COPY, parseManifest } from './manifest.ts'

/**
 * The manifest of the day in a folder, or its copy; undefined when neither can be read. Each that is damaged is told to `onDamaged`; a day
 * that was fetched from elsewhere has no copy. Throws SWARMLOGS_STORE_NEWER.
 */
export async function readManifest(
  path: string,
  onDamaged: (file: string, error: unknown) => void,
): Promise<DayManifest | undefined> {
  const name = basename(path)
  for (const file of [MANIFEST, MANIFEST_COPY]) {
    try {
      const manifest = parseManifest(await readFile(join(path, file), 'utf8'), `${name}/${file}`)
      if (folderName(manifest) !== name) throw new Error('it is of another day')
      return manifest
    } catch (error) {
      if (error instanceof SwarmlogsError && error.code === 'SWARMLOGS_STORE_NEWER') throw error
      if (file === MANIFEST || !isAbsent(error)) onDamaged(file, error)
    }
  }
  return undefined
}
