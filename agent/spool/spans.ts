import type { Source } from '../../shared/record.ts'
import type { SpooledChunk } from '../chunk.ts'
import type { Checkpoint } from '../line.ts'
import { leftUpTo, takenUpTo } from '../tail/gaps.ts'
import { isOrderedFrom } from '../tail/ordered.ts'
import type { Progress, Span } from '../tail/piece.ts'
import type { Chunks } from './chunks.ts'
import { forEachLine, optionOf } from './contents.ts'
import type { Meta } from './meta.ts'

const NAME = 'spans'
/** Chunks that are looked into at most: some 10 ms each, and the first one has lines of all that print. */
const MAX_LOOKS = 100

interface Kept {
  readonly store: string
  readonly spans: readonly (readonly [container: string, from: string, to: string])[]
}

/** Which lines of each container were spooled, all of them, when the store changed: the new one gets these whatever Docker has forgotten. */
export class Spans {
  readonly #meta: Meta
  readonly #chunks: Chunks
  #known: { readonly store: string; readonly spans: ReadonlyMap<string, Span> } | undefined

  constructor(meta: Meta, chunks: Chunks) {
    this.#meta = meta
    this.#chunks = chunks
  }

  /** Forgets them: some of these lines may be lost. */
  static forget(meta: Meta): void {
    meta.delete(NAME)
  }

  /** Looks for them, given the checkpoints of the store before, and keeps them for the new one. */
  note(store: string, checkpointOf: (container: string) => Checkpoint | undefined): void {
    const spans = [...spansOf(this.#chunks, checkpointOf)].map(([id, { from, to }]) => [id, from, to] as const)
    this.#meta.putSure(NAME, JSON.stringify({ store, spans } satisfies Kept))
    this.#known = undefined
  }

  /** Those of a container; undefined: not known, or none, or for another store. */
  of(store: string, container: string): Span | undefined {
    this.#known ??= this.#load()
    return this.#known.store === store ? this.#known.spans.get(container) : undefined
  }

  #load() {
    const { store, spans }: Kept = JSON.parse(this.#meta.getSure(NAME) ?? '{"store":"","spans":[]}')
    return { store, spans: new Map(spans.map(([id, from, to]) => [id, { from, to }])) }
  }
}

/** Spans of the containers whose lines stand in the unacked chunks without a hole. */
function spansOf(chunks: Chunks, checkpointOf: (container: string) => Checkpoint | undefined): Map<string, Span> {
  const spans = new Map<string, Span>()
  const first = chunks.unbrokenFrom
  if (first === undefined) return spans
  const ends = new Map<string, End | undefined>()
  const endOf = (id: string) => {
    if (!ends.has(id)) ends.set(id, endIn(checkpointOf(id)))
    return ends.get(id)
  }
  let looks = 0
  for (const [seq, ids] of chunks.containersFrom(first)) {
    if (looks === MAX_LOOKS) break
    if (!ids.some((id) => !spans.has(id) && endOf(id) !== undefined)) continue
    looks += 1
    const chunk = chunks.next(seq - 1, seq)
    if (chunk === undefined) continue
    for (const [id, from] of beginsIn(chunk, endOf)) {
      const to = endOf(id)?.to
      if (to !== undefined && !spans.has(id)) spans.set(id, { from: String(from), to: String(to) })
    }
  }
  return spans
}

/** Up to when a container was read, and after which time all lines since its beginning come one behind the other. */
interface End {
  readonly to: bigint
  readonly after: bigint
}

function endIn(checkpoint: Checkpoint | undefined): End | undefined {
  const { live, ...rest } = (checkpoint ?? {}) as Progress
  const from = isOrderedFrom(rest)
  if (live === undefined || from === undefined) return undefined
  return { to: takenUpTo(live, 0n), after: BigInt(from) * 1_000_000_000n }
}

/** By container, the time up to which lines stand before those in the chunk. */
function beginsIn(chunk: SpooledChunk, endOf: (id: string) => End | undefined): Map<string, bigint> {
  const { streams } = optionOf(chunk)
  const firsts = new Map<string, Map<Source, bigint>>()
  forEachLine(chunk, (stream, time, source) => {
    const id = streams[stream]?.containerId ?? ''
    const end = endOf(id)
    if (end === undefined || time < end.after) return
    const known = firsts.get(id)
    if (known === undefined) firsts.set(id, new Map([[source, time]]))
    else if (!known.has(source)) known.set(source, time)
  })
  return new Map([...firsts].map(([id, times]) => [id, leftUpTo([...times.values()])]))
}
