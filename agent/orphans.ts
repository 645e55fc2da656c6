import { type GapBounds, nodeStream } from '../shared/gap.ts'
import type { LogStream } from '../shared/record.ts'
import type { Labelled } from './describe.ts'
import { Followed, forAnotherStore } from './followed.ts'
import type { Checkpoint } from './line.ts'
import type { LineTime } from './lines.ts'
import { gapBetween, gapsAround, nanosNow, nanosOf, oldestWanted, takenUpTo } from './tail/gaps.ts'
import type { Progress, Span } from './tail/piece.ts'
import { BEGINNING } from './tail/place.ts'
import type { NodeIdentity, Target } from './target.ts'

/** An event of a start comes at most so long after it. */
const START_EVENT_NS = 1_000_000_000n

/** The checkpoint of a container that the engine does not have any more. */
export interface Unlisted {
  readonly checkpoint: Checkpoint
  /** It belongs to another store; the one in use has nothing of the container. */
  readonly isElsewhere: boolean
}

/** A checkpoint that says whose it is; those of older agents do not. */
interface Own extends Progress {
  readonly stream: LogStream
  /** When it was started last; those of older agents do not say. */
  readonly started?: string
  /** Nanoseconds since 1970, decimal. */
  readonly born: string
}

/**
 * What is lost with containers that were removed while no agent ran, or before the store in use was known, given the checkpoints of all
 * that are gone. `oldestKept`: older lines are not missed. `spooled`: the lines of a container that the store gets of what was spooled for another one.
 */
export async function* orphansOf(
  all: Iterable<Unlisted>,
  oldestKept: () => LineTime,
  spooled: (containerId: string) => Span | undefined = () => undefined,
): AsyncGenerator<Labelled, void> {
  for (const { checkpoint, isElsewhere } of all) {
    if (!isOwn(checkpoint)) continue
    const { stream, born } = checkpoint
    const lost = isElsewhere ? sentElsewhere(checkpoint, spooled(stream.containerId)) : unread(checkpoint)
    const oldest = oldestKept()
    const gaps = lost.filter(({ to }) => to >= nanosOf(oldest))
    if (gaps.length === 0) continue
    const kept = isElsewhere ? forAnotherStore(checkpoint) : checkpoint
    const followed = new Followed(targetOf(stream, BigInt(born)), kept, oldest)
    yield { followed, stream, piece: { lines: [], gaps, progress: { ended: true, history: null } } }
  }
}

/** What may be lost on a node with containers that nobody saw. */
export async function* unwatchedOn(
  { cluster, id: nodeId, name: nodeName }: NodeIdentity,
  from: bigint,
  to: bigint,
): AsyncGenerator<Labelled, void> {
  const stream = nodeStream({ cluster, nodeId, nodeName })
  const followed = new Followed(targetOf(stream, from), undefined, [0, 0])
  yield {
    followed,
    stream,
    piece: { lines: [], gaps: [gapBetween(from, to, 'unwatched')], progress: { ended: true, history: null } },
  }
}

/** Whether a container that events tell of ran once more after it had been read to its end. */
export function ranAgain({ startedAt }: Target, checkpoint: Checkpoint): boolean {
  if (!isOwn(checkpoint) || !checkpoint.ended) return false
  const { live = BEGINNING, started = '0' } = checkpoint
  // A container may print, and be known to run, a little before the event of its start.
  const known = [BigInt(started), ...Object.values(live.last).map(([seconds, nanos]) => nanosOf([seconds, nanos]))]
  return known.every((time) => startedAt > time + START_EVENT_NS)
}

function isOwn(checkpoint: Checkpoint): checkpoint is Checkpoint & Own {
  return checkpoint.stream !== undefined && checkpoint.born !== undefined
}

/** What was neither read by the live tail nor by the history reader, or was to be read again. */
function unread({ live = BEGINNING, history, horizon, born, ended, lost }: Own): GapBounds[] {
  if (lost) {
    const oldest = oldestWanted(BigInt(born), horizon ?? [0, 0])
    const from = BigInt(lost.from ?? 0)
    return [gapBetween(from > oldest ? from : oldest, nanosNow(), 'state')]
  }
  const gaps: GapBounds[] = []
  if (history) {
    const from = oldestWanted(BigInt(born), horizon ?? history.horizon)
    gaps.push(gapBetween(from, history.until ? nanosOf(history.until) : nanosNow(), 'removed'))
  }
  if (!ended) gaps.push(gapBetween(takenUpTo(live, BigInt(born)), nanosNow(), 'removed'))
  return gaps
}

/** What only another store was sent, and what was never sent. */
function sentElsewhere({ live = BEGINNING, head, horizon, born, ended }: Own, spooled: Span | undefined): GapBounds[] {
  const times = Object.values(live.last).map(([seconds, nanos]) => nanosOf([seconds, nanos]))
  if (ended && times.length === 0) return []
  const from = head ? nanosOf(head.at) : oldestWanted(BigInt(born), horizon ?? [0, 0])
  const [newest = 0n] = times.toSorted((a, b) => (a > b ? -1 : 1))
  const to = ended ? newest : nanosNow()
  return gapsAround(spooled, from, to, 'store')
}

/** The container as far as its checkpoint tells. */
function targetOf(stream: LogStream, born: bigint): Target {
  const { containerId: id, containerName: name, image } = stream
  return {
    ...{ id, name, labels: {}, image, imageId: '', tty: false, stopSignal: '', driver: '', driverOptions: {} },
    ...{ running: false, started: true, fresh: false, born, startedAt: born, endedAt: 0n },
  }
}
