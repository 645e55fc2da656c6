import { hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { checkMember, contentOf, openTar, readTar, type TarMember } from '../bundle/tar.ts'
import {
  type BackupFile,
  type BackupManifest,
  damagedBackup,
  isBackupName,
  MANIFEST,
  parseManifest,
} from './manifest.ts'

/** Far more than a manifest ever is. */
const MAX_MANIFEST_BYTES = 64 * 1024 * 1024

/** An open backup. What is in its files is not checked yet. */
export class BackupArchive {
  readonly manifest: BackupManifest
  /** The sha256 of the manifest, which has that of all else. */
  readonly fingerprint: string
  readonly #file: FileHandle
  readonly #members: ReadonlyMap<string, TarMember>

  private constructor(file: FileHandle, members: ReadonlyMap<string, TarMember>, text: Buffer) {
    this.#file = file
    this.#members = members
    this.manifest = parseManifest(text.toString())
    this.fingerprint = hash('sha256', text)
    mustAgree(this.manifest, members)
  }

  /** Opens a backup. Throws SWARMLOGS_USAGE, _STORE_DAMAGED, _STORE_NEWER. The caller must close it. */
  static async open(path: string): Promise<BackupArchive> {
    const file = await openTar(path, 'backup')
    try {
      const listed = await readTar(path, isBackupName, damagedBackup)
      const members = new Map(listed.map((member) => [member.name, member]))
      const manifest = members.get(MANIFEST)
      if (manifest === undefined) throw damagedBackup('it has no manifest')
      if (manifest.bytes > MAX_MANIFEST_BYTES) throw damagedBackup('its manifest is larger than any of swarmlogs')
      const pieces: Buffer[] = []
      for await (const piece of contentOf(file, manifest)) pieces.push(piece)
      return new BackupArchive(file, members, Buffer.concat(pieces))
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Bytes of all files. */
  get bytes(): number {
    return this.manifest.files.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** What is wrong with a file, or ''; its pieces are handed on as they are read. */
  async check(file: BackupFile, onPiece: (piece: Buffer) => Promise<void>): Promise<string> {
    return checkMember(this.#file, this.#members.get(file.name), file, onPiece)
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

/** What the manifest does not tell of could be anything. */
function mustAgree({ files }: BackupManifest, members: ReadonlyMap<string, TarMember>): void {
  const told = new Set([MANIFEST, ...files.map(({ name }) => name)])
  if (told.size !== files.length + 1) throw damagedBackup('its manifest tells of a file twice')
  for (const name of members.keys()) if (!told.has(name)) throw damagedBackup(`its manifest does not tell of '${name}'`)
}
