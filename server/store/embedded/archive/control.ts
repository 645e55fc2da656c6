import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { SwarmlogsError } from '../../../../shared/errors.ts'
import type { Archive, ArchivedDay, Verified } from '../../../archive/archive.ts'
import type { ArchiveFolder, Hold } from '../../../archive/folder.ts'
import { Lease } from '../../../archive/lease.ts'
import { folderName, MANIFEST, manifestText, membersOf } from '../../../archive/manifest.ts'
import { archivedOf } from '../retention.ts'
import type { Segment } from '../segment.ts'
import type { Segments } from '../segments.ts'
import type { Serial } from '../serial.ts'
import type { ArchivedLines } from './lines.ts'

/** Days that can be on hold; more than anyone keeps. */
const MAX_HOLDS = 10_000

/** A segment that is an archived day. */
type Archived = Segment & { readonly archived: ArchivedLines }

/** What the archive is a part of. */
export interface ControlParts {
  readonly segments: Pick<Segments, 'all' | 'ofPartition' | 'expire'>
  readonly serial: Serial
}

/** The archived days of a store, by their segments. */
export class EmbeddedArchive implements Archive {
  readonly #folder: ArchiveFolder
  readonly #ready: () => Promise<ControlParts>
  readonly #damagedManifests: () => readonly string[]

  /** @param ready the parts to work with; they can be others after a while. */
  constructor(folder: ArchiveFolder, ready: () => Promise<ControlParts>, damagedManifests: () => readonly string[]) {
    this.#folder = folder
    this.#ready = ready
    this.#damagedManifests = damagedManifests
  }

  get place(): string {
    return this.#folder.root
  }

  get damaged(): readonly string[] {
    return this.#damagedManifests()
  }

  async holds(): Promise<readonly Hold[]> {
    await this.#ready()
    return this.#folder.holds()
  }

  async list(): Promise<readonly ArchivedDay[]> {
    const { segments } = await this.#ready()
    const holds = new Map((await this.holds()).map((hold) => [hold.day, hold]))
    return archivedOf(segments)
      .filter(isArchived)
      .map(({ archived, day, bytes }) => ({
        ...{ manifest: archived.folder.manifest, bytes, hold: holds.get(day) },
        damaged: [...new Set([...archived.damaged, ...this.damaged.filter(isOf(archived))])],
      }))
  }

  async *verify(day: string, signal?: AbortSignal): AsyncGenerator<Verified> {
    const segment = await this.#find(day)
    // Retention must not delete what is being read.
    segment.pin()
    try {
      yield* segment.archived.verify(signal)
    } finally {
      segment.unpin()
    }
  }

  async read(day: string, name: string): Promise<Readable> {
    const { archived } = await this.#find(day)
    const { manifest, path } = archived.folder
    // Its file may be damaged, and only its copy have been whole.
    if (name === MANIFEST) return Readable.from([Buffer.from(manifestText(manifest))])
    if (!membersOf(manifest).some((member) => member.name === name))
      throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot fetch '${name}': ${day} has no such file`)
    const lease = new Lease()
    await archived.take(name, lease)
    return createReadStream(join(path, name)).once('close', () => lease.release())
  }

  async remove(day: string): Promise<void> {
    const { segments, serial } = await this.#ready()
    await serial.run(async () => {
      const segment = await this.#find(day)
      const held = (await this.#folder.holds()).find((hold) => hold.day === day)
      if (held !== undefined) {
        const text = `cannot delete ${day} from the archive: it is kept (${held.reason}); release it first`
        throw new SwarmlogsError('SWARMLOGS_USAGE', text)
      }
      await segments.expire(segment)
    })
  }

  async keep(days: readonly string[], reason: string): Promise<void> {
    await this.#change((holds) => {
      const since = String(BigInt(Date.now()) * 1_000_000n)
      const others = holds.filter(({ day }) => !days.includes(day))
      return [...others, ...days.map((day) => ({ day, reason, since }))].sort((a, b) => (a.day < b.day ? -1 : 1))
    })
  }

  async release(days: readonly string[]): Promise<void> {
    await this.#change((holds) => {
      const missing = days.find((day) => !holds.some((hold) => hold.day === day))
      if (missing !== undefined)
        throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot release ${missing}: it is not kept`)
      return holds.filter(({ day }) => !days.includes(day))
    })
  }

  async #change(change: (holds: readonly Hold[]) => readonly Hold[]): Promise<void> {
    const { serial } = await this.#ready()
    await serial.run(async () => {
      const holds = change(await this.#folder.holds())
      if (holds.length > MAX_HOLDS)
        throw new SwarmlogsError('SWARMLOGS_LIMIT', `cannot keep more than ${MAX_HOLDS} days: release some`)
      await this.#folder.writeHolds(holds)
    })
  }

  async #find(day: string): Promise<Archived> {
    const { segments } = await this.#ready()
    const found = segments.ofPartition(day).find(isArchived)
    if (found === undefined)
      throw new SwarmlogsError('SWARMLOGS_USAGE', `${day} is not archived: swarmlogs archive ls tells which days are`)
    return found
  }
}

function isOf({ folder }: ArchivedLines): (file: string) => boolean {
  return (file) => file.startsWith(`${folderName(folder.manifest)}/`)
}

function isArchived(segment: Segment): segment is Archived {
  return segment.archived !== undefined
}
