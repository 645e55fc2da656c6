import type { Logger } from 'pino'
import type { Gap } from '../../../../shared/gap.ts'
import type { ArchiveFolder } from '../../../archive/folder.ts'
import type { Retention } from '../../../retention.ts'
import { greater, smaller } from '../../bigint.ts'
import type { StreamDay } from '../../store.ts'
import type { ArchiveTier } from '../../tiered/archive-tier.ts'
import { bytesOf, expiredIn } from '../retention.ts'
import { compareSegments, Segment } from '../segment.ts'
import { Streams } from '../streams.ts'
import type { ArchivedLines } from './lines.ts'
import { lostDays } from './lost-days.ts'

const NS_PER_DAY = 86_400_000_000_000n
/** A search that reads a day may hold its files for so long after it is gone. */
const MAX_HOLD_MS = 60_000

/** The archived days that searches see, and what is known of them together. */
export class ServedDays {
  readonly streams = new Streams()
  readonly #folder: ArchiveFolder
  readonly #log: Logger
  #all: readonly Segment[] = []
  #days: ReadonlySet<bigint> = new Set()
  #range: ArchiveTier['range']
  #lastReceived = 0n

  constructor(folder: ArchiveFolder, log: Logger) {
    this.#folder = folder
    this.#log = log
  }

  /** Oldest first. */
  get all(): readonly Segment[] {
    return this.#all
  }

  /** Times of the first and last line. */
  get range(): ArchiveTier['range'] {
    return this.#range
  }

  get lastReceived(): bigint {
    return this.#lastReceived
  }

  /** Whether a line of that time may be among them. */
  mayHold(time: bigint): boolean {
    const range = this.#range
    return range !== undefined && time <= range.last && time >= range.first && this.#days.has(time / NS_PER_DAY)
  }

  /** What each stream has on each day. */
  ofStreams(): StreamDay[] {
    return this.#all.flatMap(({ streams, day }) =>
      [...streams].map(([{ stream }, { records }]) => ({ stream, day, records })),
    )
  }

  /** Gaps of what is damaged, or gone, of days that should be there. */
  lost(retention: Retention): Gap[] {
    return [...lostDays(this.#folder, retention), ...this.#all.flatMap(({ archived }) => archived?.gaps() ?? [])]
  }

  /** Serves these, and none besides. */
  use(days: readonly ArchivedLines[]): void {
    this.#use(days.map((lines) => Segment.ofArchive(lines, this.streams)))
  }

  /** Serves a day, in the place of what was served of it. */
  put(lines: ArchivedLines): void {
    const { day } = lines.folder.manifest
    const before = this.#all.find((segment) => segment.day === day)
    this.#use([...this.#all, Segment.ofArchive(lines, this.streams)])
    if (before !== undefined) this.#drop(before, 'replaced')
  }

  /** Lets go of the days of which all lines are older than may be, and of the oldest ones while all have too many bytes; none that is on hold. */
  async expireAll(retention: Retention, maxBytes: number, now: bigint): Promise<void> {
    const held = new Set((await this.#folder.holds()).map(({ day }) => day))
    for (const segment of this.#all.filter(({ day }) => !held.has(day))) {
      const isOld = retention.isKnown && expiredIn(segment, retention, now).isWhole
      if (!isOld && bytesOf(this.#all) <= maxBytes) continue
      this.#log.info({ day: segment.day, reason: isOld ? 'age' : 'size' }, 'archived day expired')
      await this.expire(segment)
    }
  }

  /** Lets go of a day, in a way that a start after a crash goes on with. */
  async expire(segment: Segment): Promise<void> {
    if (segment.archived !== undefined) await this.#folder.doom(segment.archived.folder.manifest)
    this.#drop(segment, 'expired')
  }

  /** Takes a day out; its files go when the searches that read it are done. */
  #drop(segment: Segment, why: 'expired' | 'replaced'): void {
    const { archived } = segment
    segment.gone = why
    this.#use(this.#all.filter((other) => other !== segment))
    if (archived === undefined) return
    void segment
      .quiet(MAX_HOLD_MS)
      .then(() => this.#folder.remove(archived.folder.manifest))
      .catch((err: unknown) => this.#log.warn({ day: segment.day, err }, 'archived day cannot be deleted'))
  }

  #use(segments: readonly Segment[]): void {
    this.#all = [...segments].sort(compareSegments)
    this.streams.recount(this.#all.map(({ streams }) => streams))
    this.streams.prune()
    this.#days = new Set(this.#all.map(({ day }) => BigInt(Date.parse(day)) / 86_400_000n))
    this.#lastReceived = this.#all.reduce((newest, { received }) => greater(newest, received), this.#lastReceived)
    this.#range = rangeOf(this.#all)
  }
}

function rangeOf(segments: readonly Segment[]): ArchiveTier['range'] {
  let range: ArchiveTier['range']
  for (const { first, last } of segments.flatMap(({ streams }) => [...streams.values()])) {
    range = { first: smaller(range?.first ?? first, first), last: greater(range?.last ?? last, last) }
  }
  return range
}
