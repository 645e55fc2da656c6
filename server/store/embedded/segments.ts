import { join } from 'node:path'
import type { ArchiveFolder } from '../../archive/folder.ts'
import { folderName } from '../../archive/manifest.ts'
import { ArchivedLines } from './archive/lines.ts'
import { compareSegments, isSegmentName, partitionOf, Segment } from './segment.ts'
import { SegmentFiles, type SegmentFilesOptions } from './segment-files.ts'
import type { Serial } from './serial.ts'

/** A search that reads an expired segment may hold it for so long. */
const MAX_HOLD_MS = 60_000
const MAX_ARCHIVED_HOLD_MS = 86_400_000

/** What the segments need of the store. */
export interface SegmentsOptions extends SegmentFilesOptions {
  readonly serial: Serial
  readonly segmentBytes: number
  readonly archive: ArchiveFolder
}

/** The segments that serve. All that changes the set must run within the store's serial work. */
export class Segments {
  readonly #options: SegmentsOptions
  readonly #files: SegmentFiles
  #list: readonly Segment[] = []
  #damagedManifests: readonly string[] = []

  constructor(options: SegmentsOptions) {
    this.#options = options
    this.#files = new SegmentFiles(options)
  }

  /** Oldest first; a new array after each change. */
  get all(): readonly Segment[] {
    return this.#list
  }

  /** Names of what was set aside, and of manifests of archived days that cannot be read. */
  get damaged(): readonly string[] {
    return [...this.#files.damaged, ...this.#damagedManifests]
  }

  /** Manifests of archived days that were damaged when the store was opened. */
  get damagedManifests(): readonly string[] {
    return this.#damagedManifests
  }

  /** A segment that is as large takes no more lines. */
  get segmentBytes(): number {
    return this.#options.segmentBytes
  }

  /** Attaches all that is in the folder; sets aside what is damaged; counts as lost what should be there and is not. */
  async open(): Promise<void> {
    const { folder, catalog, log } = this.#options
    await this.#files.finishReplacements()
    const names = await this.#files.names()
    const replaced = await this.#openArchive()
    for (const name of names.filter(isSegmentName).sort()) {
      const segment = new Segment(folder.segments, name)
      if (!(await this.#files.attach(segment))) continue
      // What was archived ended before it was deleted; one of that name may also have come after the day was sealed.
      if (segment.received <= (replaced.get(name) ?? -1n)) await this.#forget(segment)
      else await this.#add(segment)
    }
    for (const name of catalog.segments) {
      if (this.#list.some((segment) => segment.name === name && segment.archived === undefined)) continue
      if (replaced.has(name)) {
        await catalog.removeSegment(name)
        continue
      }
      log.error({ segment: name }, 'segment is missing: its lines are lost')
      await folder.setAside(join(folder.segments, `${name}.duckdb`))
      await catalog.removeSegment(name)
      await catalog.countLoss()
    }
    await this.#files.seeDamaged()
    this.recount()
  }

  /** Has archived days serve; answers the names of segments that they take the place of, and up to which commit. */
  async #openArchive(): Promise<Map<string, bigint>> {
    const { archive, streams, catalog, log } = this.#options
    const replaced = new Map<string, bigint>()
    const onDamaged = (file: string, err: unknown): void => {
      this.#damagedManifests = [...this.#damagedManifests, file]
      log.error(
        { file, err },
        "manifest of an archived day is damaged: the day is left out unless the manifest's copy is whole",
      )
    }
    for (const folder of await archive.days(onDamaged)) {
      const segment = Segment.ofArchive(new ArchivedLines(folder, log, archive.cache), streams)
      this.#list = [...this.#list, segment].sort(compareSegments)
      const { store, replaces } = folder.manifest
      // Another store's segments have the same names.
      if (store.id === catalog.identity.id) for (const name of replaces) replaced.set(name, BigInt(store.received))
    }
    return replaced
  }

  async #forget(segment: Segment): Promise<void> {
    await this.#files.remove(segment)
    await this.#options.catalog.removeSegment(segment.name, segment.received)
  }

  /** The segment that new lines of this partition go to; made when there is none or the last one is full. */
  async writable(day: string, isOdd: boolean): Promise<Segment> {
    const siblings = this.ofPartition(partitionOf(day, isOdd))
    const last = siblings.findLast(({ isClosed, archived }) => !isClosed && archived === undefined)
    if (last !== undefined && last.bytes < this.#options.segmentBytes && (await isFree(last))) {
      if (last.isReadOnly) await this.reattach(last)
      if (last.gone === '' && !last.isReadOnly) return last
    }
    return this.#create(day, isOdd, (siblings.at(-1)?.number ?? -1) + 1)
  }

  ofPartition(partition: string): readonly Segment[] {
    return this.#list.filter((segment) => segment.partition === partition)
  }

  /** Attaches a segment anew after a failed write, which DuckDB may have shut it for; for reading only where the disk is full. */
  async reattach(segment: Segment): Promise<void> {
    await this.#files.detach(segment)
    if (!(await this.#files.attach(segment))) this.#remove(segment, 'damaged')
    this.recount()
  }

  /** Takes a damaged segment out of service; its file is kept in `damaged`. */
  async setAside(segment: Segment, cause: unknown): Promise<void> {
    if (segment.gone !== '') return
    this.#remove(segment, 'damaged')
    await this.#files.setAside(segment, cause)
    this.recount()
  }

  /** Deletes a segment, once the searches that read it are done. */
  async expire(segment: Segment): Promise<void> {
    if (segment.gone !== '') return
    if (segment.archived !== undefined) await this.#options.archive.doom(segment.archived.folder.manifest)
    this.#remove(segment, 'expired')
    this.recount()
    this.#options.streams.prune()
    await this.#options.catalog.removeSegment(segment.name, segment.received)
    void this.#drop(segment)
  }

  /** Has an archived day serve in the place of segments, which are deleted once the searches that read them are done. */
  async archive(segments: readonly Segment[], archived: Segment): Promise<void> {
    for (const segment of segments) segment.gone = 'replaced'
    this.#list = [...this.#list.filter(({ gone }) => gone === ''), archived].sort(compareSegments)
    // What is stored is the same: nothing that is known of it must be forgotten.
    this.#options.streams.recount(this.#list.map(({ streams }) => streams))
    for (const { name, received } of segments) await this.#options.catalog.removeSegment(name, received)
    for (const segment of segments) void this.#drop(segment)
  }

  /**
   * Puts a file that has so many of a segment's lines in its place; searches that have begun still read the old one. What a crash leaves
   * of it is seen to by `open`: from the renaming on the new one counts.
   */
  async replace(segment: Segment, unfinished: string, records: number): Promise<void> {
    const { catalog, streams } = this.#options
    const number = (this.ofPartition(segment.partition).at(-1)?.number ?? segment.number) + 1
    const fresh = await this.#files.replacement(segment, number, unfinished, records)
    // In one step: no search may meet both, or none.
    segment.gone = 'replaced'
    this.#list = [...this.#list.filter((other) => other !== segment), fresh].sort(compareSegments)
    this.recount()
    streams.prune()
    await catalog.addSegment(fresh.name)
    await catalog.removeSegment(segment.name, segment.received)
    void this.#drop(segment)
  }

  /** Brings the file's size up to date. */
  async measure(segment: Segment): Promise<void> {
    await this.#files.measure(segment)
  }

  recount(): void {
    this.#options.streams.recount(this.#list.map((segment) => segment.streams))
    this.#options.onLoss()
  }

  async #drop(segment: Segment): Promise<void> {
    const { serial, engine, log } = this.#options
    // Files of an archived day are opened by their names, by backups and verifications late.
    await segment.quiet(segment.archived === undefined ? MAX_HOLD_MS : MAX_ARCHIVED_HOLD_MS)
    await serial.run(async () => {
      // A store that was closed meanwhile finds the file again, and that it has expired.
      if (engine.isClosed) return
      try {
        await this.#delete(segment)
        if (segment.gone === 'replaced') await this.#options.catalog.forgetReplacement(segment.name)
      } catch (error) {
        log.warn({ segment: segment.name, err: error }, 'expired segment cannot be deleted')
      }
    })
  }

  async #delete(segment: Segment): Promise<void> {
    if (segment.archived !== undefined) {
      const { manifest } = segment.archived.folder
      await this.#options.archive.remove(manifest)
      this.#damagedManifests = this.#damagedManifests.filter((file) => !file.startsWith(`${folderName(manifest)}/`))
      return
    }
    await this.#files.remove(segment)
  }

  async #create(day: string, isOdd: boolean, number: number): Promise<Segment> {
    const { folder, catalog } = this.#options
    const segment = new Segment(folder.segments, `${partitionOf(day, isOdd)}.${number}`)
    await catalog.forgetReplacement(segment.name)
    await this.#files.create(segment)
    await this.#add(segment)
    return segment
  }

  async #add(segment: Segment): Promise<void> {
    await this.measure(segment)
    this.#list = [...this.#list, segment].sort(compareSegments)
    const { catalog } = this.#options
    if (!catalog.segments.has(segment.name)) await catalog.addSegment(segment.name)
  }

  #remove(segment: Segment, why: 'expired' | 'damaged'): void {
    segment.gone = why
    this.#list = this.#list.filter((other) => other !== segment)
  }
}

/** Whether the file may be written to; a snapshot that has still to read it is asked to let it go. */
async function isFree(segment: Segment): Promise<boolean> {
  if (segment.holder === undefined) return true
  if (segment.isReadOnly || !(await segment.holder.letGo())) return false
  segment.holder = undefined
  return true
}
