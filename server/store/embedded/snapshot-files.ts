import { createReadStream } from 'node:fs'
import { copyFile, type FileHandle, open, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Lease } from '../../archive/lease.ts'
import { folderName, MANIFEST, manifestText } from '../../archive/manifest.ts'
import type { SnapshotFile } from '../store.ts'
import { unavailable } from '../unavailable.ts'
import type { ArchivedLines } from './archive/lines.ts'
import { UNFINISHED } from './folder.ts'
import { Serial } from './serial.ts'

const PIECE_BYTES = 2 ** 20

/** What a file does besides being read. */
export interface KeptOptions {
  /** See `letGo`: none, mostly. */
  readonly maxCopyBytes?: number
  readonly onDone?: () => void
}

/** A file as it is at the moment of the snapshot. It is open, so that it can be read to its end though it expires meanwhile. */
export class Kept implements SnapshotFile {
  readonly name: string
  readonly bytes: number
  readonly #path: string
  readonly #maxCopyBytes: number
  readonly #onDone: () => void
  readonly #serial = new Serial()
  #file: FileHandle | undefined

  private constructor(name: string, path: string, file: FileHandle, bytes: number, options: KeptOptions) {
    this.name = name
    this.bytes = bytes
    this.#path = path
    this.#file = file
    this.#maxCopyBytes = options.maxCopyBytes ?? 0
    this.#onDone = options.onDone ?? (() => {})
  }

  static async open(name: string, path: string, options: KeptOptions = {}): Promise<Kept> {
    const file = await open(path, 'r')
    return new Kept(name, path, file, (await file.stat()).size, options)
  }

  async *content(): AsyncGenerator<Buffer> {
    for (let at = 0; at < this.bytes; ) {
      const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, this.bytes - at))
      const bytesRead = await this.#serial.run(async () => {
        if (this.#file === undefined) throw unavailable('go on with the backup: the store was closed or started anew')
        return (await this.#file.read(piece, 0, piece.length, at)).bytesRead
      })
      if (bytesRead === 0) throw unavailable(`go on with the backup: ${this.name} became shorter`)
      at += bytesRead
      yield piece.subarray(0, bytesRead)
    }
    await this.close()
  }

  /** Goes on with a copy, so that the file can be written to; false when it is too large for that, or the disk too full. */
  async letGo(): Promise<boolean> {
    if (this.bytes > this.#maxCopyBytes) return false
    return this.#serial.run(async () => {
      if (this.#file === undefined) return true
      const copy = `${this.#path}${UNFINISHED}`
      try {
        await copyFile(this.#path, copy)
        const before = this.#file
        this.#file = await open(copy, 'r')
        await before.close()
        return true
      } catch {
        return false
      } finally {
        await rm(copy, { force: true })
      }
    })
  }

  async close(): Promise<void> {
    await this.#serial.run(async () => {
      const file = this.#file
      this.#file = undefined
      await file?.close()
      this.#onDone()
    })
  }
}

/** A file of an archived day: nothing writes to it. It need not be local before it is read. */
export class Archived implements SnapshotFile {
  readonly name: string
  readonly bytes: number
  readonly #lines: ArchivedLines
  readonly #onClose: () => void
  #isClosed = false

  constructor(lines: ArchivedLines, file: string, bytes: number, onClose: () => void) {
    this.name = `archive/${folderName(lines.folder.manifest)}/${file}`
    this.bytes = bytes
    this.#lines = lines
    this.#onClose = onClose
  }

  async *content(): AsyncGenerator<Buffer> {
    const lease = new Lease()
    const file = basename(this.name)
    try {
      // As it is known: the file may be damaged.
      if (file === MANIFEST) {
        yield Buffer.from(manifestText(this.#lines.folder.manifest))
        return
      }
      await this.#lines.take(file, lease)
      yield* createReadStream(join(this.#lines.folder.path, file), { highWaterMark: PIECE_BYTES })
    } finally {
      lease.release()
      await this.close()
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#onClose()
  }
}

/** What must be closed when nobody reads it any more. */
export type Closeable = SnapshotFile & { close(): Promise<void> }
