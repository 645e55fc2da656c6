import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { SwarmlogsError } from '../../../shared/errors.ts'
import { MANIFEST, manifestText, membersOf } from '../../archive/manifest.ts'
import { Slots } from '../../slots.ts'
import type { Snapshot } from '../store.ts'
import { unavailable } from '../unavailable.ts'
import { messageOf } from './failure.ts'
import { type Folder, removeDatabase, UNFINISHED } from './folder.ts'
import type { Parts } from './parts.ts'
import { archivedOf, hotOf } from './retention.ts'
import type { Segment } from './segment.ts'
import { Archived, type Closeable, Kept } from './snapshot-files.ts'
import { trySealSegment } from './transaction.ts'

/** A file that lines come for is copied, and commits wait for that, when it is no larger than this part of a segment (64 MiB, mostly); else they go to a new segment. */
const COPIED_PART = 1 / 16
const DAMAGED_NAME = /^[\w-][\w.-]{0,79}$/

/** Takes snapshots, one at a time. */
export class Snapshots {
  readonly #slots = new Slots(1, 'backups')
  #current: Snapshot | undefined

  /** Throws SWARMLOGS_LIMIT while another one is open. */
  async take(parts: Parts, folder: Folder): Promise<Snapshot> {
    const release = this.#slots.take()
    try {
      const snapshot = await takeSnapshot(parts, folder)
      const close = async (): Promise<void> => {
        await snapshot.close()
        release()
      }
      this.#current = { ...snapshot, close }
      return this.#current
    } catch (error) {
      release()
      if (error instanceof SwarmlogsError) throw error
      throw unavailable(`take a snapshot of the store: ${messageOf(error)}`, error)
    }
  }

  /** Ends the one that is open: what is still to be read of it fails. */
  async close(): Promise<void> {
    await this.#current?.close()
  }
}

/**
 * Takes a snapshot of all files. Commits wait while what was written since the last checkpoint is taken into the segments, never for the
 * reading of files: a segment that is still to be read is not written to.
 */
async function takeSnapshot(parts: Parts, folder: Folder): Promise<Snapshot> {
  const { serial, segments, writer } = parts
  // Most of it while commits can come in between.
  for (const segment of segments.all) await serial.run(() => seal(parts, segment))
  return serial.run(async () => {
    for (const segment of segments.all) await seal(parts, segment)
    const records = segments.all.reduce((sum, segment) => sum + segment.records, 0)
    const files = await keepAll(parts, folder)
    return { files, records, received: writer.lastReceived, close: () => closeAll(files) }
  })
}

async function seal({ engine }: Parts, segment: Segment): Promise<void> {
  if (segment.gone !== '' || segment.isReadOnly) return
  if (segment.isDirty || (await sizeOf(walOf(segment))) > 0) await trySealSegment(engine.writer, segment)
}

async function keepAll(parts: Parts, folder: Folder): Promise<readonly Closeable[]> {
  const { catalog, segments } = parts
  const files: Closeable[] = []
  try {
    const copy = `${folder.catalog}${UNFINISHED}`
    await removeDatabase(copy)
    await catalog.copyTo(copy)
    files.push(await Kept.open('catalog.duckdb', copy))
    await removeDatabase(copy)
    // Those that are written to come first: the sooner that is possible again.
    for (const segment of hotOf(segments).toReversed())
      for await (const file of keep(segment, segments.segmentBytes * COPIED_PART)) files.push(file)
    files.push(...(await keepArchive(parts)))
    for (const entry of await readdir(folder.damaged, { withFileTypes: true }))
      if (entry.isFile() && DAMAGED_NAME.test(entry.name))
        files.push(await Kept.open(`damaged/${entry.name}`, join(folder.damaged, entry.name)))
    return files
  } catch (error) {
    await closeAll(files)
    throw error
  }
}

/** The files of the archived days, which never change: they are opened when they are read, and stay until then. */
async function keepArchive({ archive, segments }: Parts): Promise<Closeable[]> {
  const files: Closeable[] = []
  for (const path of await archive.ownFiles()) files.push(await Kept.open(`archive/${basename(path)}`, path))
  for (const segment of archivedOf(segments)) {
    const { archived } = segment
    if (archived === undefined) continue
    const { manifest } = archived.folder
    const kept = [...membersOf(manifest), { name: MANIFEST, bytes: Buffer.byteLength(manifestText(manifest)) }]
    segment.pin()
    let open = kept.length
    const onClose = (): void => {
      open--
      if (open === 0) segment.unpin()
    }
    for (const { name, bytes } of kept) files.push(new Archived(archived, name, bytes, onClose))
  }
  return files
}

/**
 * The file of a segment. Closing it again ends DuckDB's lock on it, as POSIX has it; what keeps other servers out is the lock on the
 * catalog, which for that reason is copied by DuckDB.
 */
async function* keep(segment: Segment, maxCopyBytes: number): AsyncGenerator<Kept> {
  const name = `segments/${segment.name}.duckdb`
  // On a full disk, or while searches read it, it still has a WAL, which is read first: the file itself is held until it is read.
  const wal = await sizeOf(walOf(segment))
  if (wal > 0) yield Kept.open(`${name}.wal`, walOf(segment))
  const onDone = (): void => {
    if (segment.holder === kept) segment.holder = undefined
  }
  const kept = await Kept.open(name, segment.path, { maxCopyBytes: wal === 0 ? maxCopyBytes : 0, onDone })
  segment.holder = kept
  yield kept
}

async function closeAll(files: readonly Closeable[]): Promise<void> {
  for (const file of files) await file.close()
}

function walOf({ path }: Segment): string {
  return `${path}.wal`
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  )
}
