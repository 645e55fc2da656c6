import { setTimeout as sleep } from 'node:timers/promises'
import { SwarmlogsError } from '../shared/errors.ts'
import type { GapBounds } from '../shared/gap.ts'
import { Departures } from './departures.ts'
import { type Labelled, labelled } from './describe.ts'
import type { Discovery, Killed } from './discovery.ts'
import type { FollowOptions } from './follow-options.ts'
import { Followed } from './followed.ts'
import { Histories } from './histories.ts'
import type { TailBatch } from './line.ts'
import type { LineTime } from './lines.ts'
import { Merge } from './merge.ts'
import { orphansOf, ranAgain, unwatchedOn } from './orphans.ts'
import { Tails } from './report/tails.ts'
import { reportGap } from './report-gap.ts'
import { Selection } from './selection.ts'
import { StandingGaps } from './standing.ts'
import { gapBetween } from './tail/gaps.ts'
import { liveTail } from './tail/live.ts'
import { bytesOf, type Piece } from './tail/piece.ts'
import { BEGINNING } from './tail/place.ts'
import { TailContexts } from './tail-contexts.ts'
import { lossOf, type NodeIdentity, type Target } from './target.ts'

/** What a batch costs beside its messages. */
const LINE_OVERHEAD = 200

/** Decides which containers are followed, runs their tails, and merges what these read. */
export class Follower {
  readonly #options: FollowOptions
  readonly #stop: AbortController
  readonly #merge = new Merge<Labelled>(({ piece }) => bytesOf(piece.lines) + piece.lines.length * LINE_OVERHEAD)
  readonly #followed = new Map<string, Followed>()
  readonly #contexts: TailContexts
  readonly #histories: Histories
  readonly #horizon: LineTime
  readonly #departures = new Departures()
  readonly #selection: Selection
  readonly #tails: Tails
  /** Whether the gaps of containers that were removed while no agent ran are told. */
  #bereaved: 'no' | 'telling' | 'told' = 'no'
  readonly #standing = new StandingGaps((followed, gap) => this.#tellGaps(followed, [gap]))
  #node: NodeIdentity = { id: '', name: '', cluster: '' }

  constructor(options: FollowOptions, stop: AbortController) {
    this.#options = options
    this.#stop = stop
    this.#selection = new Selection(options)
    this.#tails = options.tails ?? new Tails()
    this.#contexts = new TailContexts(options, this.#tails, (followed) => this.#readHistory(followed))
    this.#histories = new Histories(options.status, stop.signal, (followed, signal) =>
      this.#contexts.of(followed, signal),
    )
    const horizon = BigInt(Date.now()) * 1_000_000n - options.backfillNs
    this.#horizon = [Number(horizon / 1_000_000_000n), Number(horizon % 1_000_000_000n)]
  }

  /** The lines of all containers, until `end`. */
  async *batches(): AsyncGenerator<TailBatch, void> {
    const { status } = this.#options
    for await (const { followed, stream, piece } of this.#merge) {
      const batch = followed.commit(piece, stream)
      status.lines += batch.lines.length
      status.bytes += batch.bytes
      for (const gap of batch.gaps ?? []) reportGap(followed.target, gap, this.#options)
      if (this.#stop.signal.aborted && this.#options.signal.aborted) return
      yield batch
    }
  }

  /** Ends all tails at once. */
  end(): void {
    this.#stop.abort()
    this.#merge.close()
  }

  /**
   * Ends when no last words are to be expected any more. A Swarm that drains a node stops the agent in the same second as
   * the agent's neighbours, in any order: so it waits at least 5 s for others to be told to stop, then for each that was told
   * to have ended and been read to its end, and for 5 s without another. Healthy neighbours do not delay it. The caller
   * bounds it by `signal`.
   */
  async drain(): Promise<void> {
    this.#histories.end()
    this.#departures.begin()
    while (!this.#stop.signal.aborted) {
      const isSpeaking = [...this.#followed.values()].some((followed) => followed.isDying && followed.isTailing)
      if (this.#departures.isOver(isSpeaking)) break
      await sleep(Departures.LOOK_MS)
    }
    this.end()
  }

  /** Takes what discovery tells. */
  hear(discovery: Discovery): void {
    switch (discovery.kind) {
      case 'node':
        this.#setNode(discovery.node)
        break
      case 'target':
        this.#consider(discovery.target)
        break
      case 'killed':
        this.#onKilled(discovery)
        break
      case 'died':
        this.#departures.note()
        this.#standing.end(discovery.id)
        break
      case 'vanished':
        this.#tellVanished(discovery.target)
        break
      case 'unwatched':
        this.#tellUnwatched(discovery.from, discovery.to)
        break
      case 'listed':
        this.#forget(discovery.ids)
        this.#standing.retell(discovery.ids)
        this.#onListed(discovery.ids)
        break
      default:
        discovery satisfies never
    }
  }

  #setNode(node: NodeIdentity): void {
    const { cluster, nodeName } = this.#options
    this.#node = { id: node.id, name: nodeName || node.name, cluster: cluster || node.cluster }
  }

  #onKilled({ id, signal, time }: Killed): void {
    const followed = this.#followed.get(id)
    // Events of the time before the agent came are told, too.
    if (!followed || time < followed.target.startedAt || !Departures.stops(signal, followed.target.stopSignal)) return
    followed.isDying = true
    this.#departures.note()
  }

  /** A container that two lists in a row did not show is gone, not just created. */
  #forget(ids: ReadonlySet<string>): void {
    for (const [id, followed] of this.#followed) {
      followed.missed = ids.has(id) ? 0 : followed.missed + 1
      if (followed.missed > 1 && !followed.isTailing && !followed.isReadingHistory) this.#followed.delete(id)
    }
  }

  /** The first list shows which containers were removed while no agent ran: it counts once the gaps that they leave are handed on. */
  #onListed(ids: ReadonlySet<string>): void {
    const { checkpoints } = this.#options
    if (this.#bereaved === 'no') {
      this.#bereaved = 'telling'
      const orphans = orphansOf(
        checkpoints.unlisted?.(ids) ?? [],
        () => this.#contexts.oldest(),
        checkpoints.spooledElsewhere,
      )
      this.#merge.add(orphans, 'patient', (error) => {
        if (error !== undefined) this.#options.log.error({ err: error }, 'telling of removed containers failed')
        this.#bereaved = 'told'
        checkpoints.listed?.(ids)
      })
    } else if (this.#bereaved === 'told') checkpoints.listed?.(ids)
  }

  #consider(target: Target): void {
    if (this.#stop.signal.aborted || !target.started) return
    const judgement = this.#selection.judge(target)
    if (judgement === 'leave') return
    const known = this.#followed.get(target.id)
    const followed = known ?? new Followed(target, this.#options.checkpoints.load(target.id), this.#horizon)
    this.#followed.set(target.id, followed)
    const { startedAt } = followed.target
    // What stopped it was before that.
    if (target.startedAt > startedAt) followed.isDying = false
    followed.target = target
    if (judgement === 'unreadable') this.#standing.begin(followed, 'unreadable')
    else if (followed.isTailing) followed.again ||= target.startedAt === 0n || target.startedAt !== startedAt
    else this.#tail(followed)
  }

  #tellVanished(target: Target): void {
    if (this.#followed.has(target.id) || this.#selection.judge(target) !== 'read') return
    // One that was read before this agent started is told of as such, unless it had ended then.
    const checkpoint = this.#options.checkpoints.load(target.id)
    if (checkpoint !== undefined && !ranAgain(target, checkpoint)) return
    const followed = new Followed(target, checkpoint, this.#horizon)
    const gap = gapBetween(target.startedAt, target.endedAt, 'removed')
    this.#tellGaps(followed, [gap])
  }

  /** No watermark may pass it before it is told. */
  #tellUnwatched(from: bigint, to: bigint): void {
    this.#tails.untold += 1
    this.#merge.add(unwatchedOn(this.#node, from, to), 'patient', () => {
      this.#tails.untold -= 1
    })
  }

  #tellGaps(followed: Followed, gaps: readonly GapBounds[]): void {
    const piece: Piece = { lines: [], gaps, progress: {} }
    this.#merge.add(this.#labelled(followed, [piece]), 'patient', () => undefined)
  }

  #tail(followed: Followed): void {
    const { target, progress } = followed
    if (lossOf(target) !== '') this.#standing.begin(followed, 'lossy')
    const isAlive = followed.open()
    // Of one that dies, or is removed, before it says anything it must be known that it was here.
    if (isAlive || (progress.live === undefined && target.fresh)) this.#tellGaps(followed, [])
    this.#options.status.following += 1
    const from = progress.live ?? (target.fresh ? BEGINNING : undefined)
    const { signal } = this.#stop
    const tail = liveTail(this.#contexts.of(followed, signal), from, target.running ? 'running' : 'dead')
    const watched = this.#tails.over(followed, tail, signal)
    this.#merge.add(this.#labelled(followed, watched), 'urgent', (error) => this.#onTailEnd(followed, error))
  }

  #onTailEnd(followed: Followed, error: unknown): void {
    const { status, log } = this.#options
    status.following -= 1
    followed.isTailing = false
    followed.isDying = false
    if (error instanceof SwarmlogsError && error.code === 'SWARMLOGS_LOG_UNREADABLE') {
      this.#selection.reportUnreadable(followed.target)
      this.#standing.begin(followed, 'unreadable')
    } else if (error !== undefined) {
      log.error({ err: error, container: followed.target.id }, 'following a container failed')
    } else if (followed.again && !this.#stop.signal.aborted) {
      this.#tail(followed)
    }
  }

  #readHistory(followed: Followed): void {
    if (!this.#histories.lacks(followed)) return
    followed.isReadingHistory = true
    this.#merge.add(this.#labelled(followed, this.#histories.read(followed)), 'patient', (error) => {
      followed.isReadingHistory = false
      const container = followed.target.id
      if (error !== undefined && !this.#histories.signal.aborted)
        this.#options.log.error({ err: error, container }, 'reading history failed')
    })
  }

  /** Adds the labels; a container's attributes can only be read once it has a line. */
  #labelled(followed: Followed, pieces: AsyncIterable<Piece> | Iterable<Piece>): AsyncGenerator<Labelled, void> {
    const { engine, log } = this.#options
    return labelled(followed, pieces, () => ({ engine, log, node: this.#node, signal: this.#stop.signal }))
  }
}
