import { isDeepStrictEqual } from 'node:util'
import { EntryPacker } from '../../shared/forward/entries.ts'
import type { OwnGap, RecordsOption } from '../../shared/forward/own.ts'
import { WIRE_FORMAT } from '../../shared/forward/own.ts'
import type { GapBounds } from '../../shared/gap.ts'
import type { LogStream } from '../../shared/record.ts'
import type { Checkpoint, TailBatch } from '../line.ts'

/** A batch of one container may overshoot the target, so that chunk and checkpoint agree, but not beyond this. */
const HARD_FACTOR = 4
/** The labels of so many streams travel with a chunk at most: some 600 bytes each. */
const MAX_STREAMS = 256
/** So many gaps travel with a chunk at most, but that those of a batch are not torn apart: some 60 bytes each. */
const MAX_GAPS = 1024

interface Slot {
  readonly stream: LogStream
  readonly index: number
}

/** A batch that is filling: packed entries, gaps, the streams that both refer to, and the checkpoints that go with them. */
export class OpenBatch {
  readonly #packer: EntryPacker
  readonly #targetBytes: number
  #streams: LogStream[] = []
  #slots = new Map<string, Slot>()
  #gaps: OwnGap[] = []
  #checkpoints = new Map<string, Checkpoint>()

  constructor(targetBytes: number) {
    this.#targetBytes = targetBytes
    this.#packer = new EntryPacker(targetBytes + targetBytes / 4)
  }

  get isEmpty(): boolean {
    return this.#packer.count === 0 && this.#checkpoints.size === 0
  }

  get isFull(): boolean {
    const isLong = this.#packer.length >= this.#targetBytes
    return isLong || this.#streams.length >= MAX_STREAMS || this.#gaps.length >= MAX_GAPS
  }

  get records(): number {
    return this.#packer.count
  }

  get checkpoints(): ReadonlyMap<string, Checkpoint> {
    return this.#checkpoints
  }

  get option(): RecordsOption {
    const plain = { format: WIRE_FORMAT, streams: this.#streams }
    return this.#gaps.length > 0 ? { ...plain, gaps: this.#gaps } : plain
  }

  /** The packed entries: a view that holds until the next `add` or `reset`. */
  entries(): Buffer {
    return this.#packer.bytes()
  }

  /** Packs the lines from index `from` on; returns the index of the first that found no room. Gaps and checkpoint count with the last. */
  add(batch: TailBatch, from: number): number {
    const { lines, stream } = batch
    const gaps = batch.gaps ?? []
    const index = lines.length + gaps.length > 0 ? this.#indexOf(stream) : 0
    const hardBytes = this.#targetBytes * HARD_FACTOR
    let at = from
    for (; at < lines.length && this.#packer.length < hardBytes; at++) {
      const line = lines[at]
      if (line !== undefined) this.#packer.add(line, index)
    }
    if (at < lines.length) return at
    for (const gap of gaps) this.#gaps.push(ownGap(gap, index))
    this.#checkpoints.set(stream.containerId, batch.checkpoint)
    return at
  }

  /** Makes it empty again; its memory stays. What it handed out before, but for `entries`, stays valid. */
  reset(): void {
    this.#packer.reset()
    this.#streams = []
    this.#slots = new Map()
    this.#gaps = []
    this.#checkpoints = new Map()
  }

  #indexOf(stream: LogStream): number {
    const known = this.#slots.get(stream.containerId)
    if (known !== undefined && (known.stream === stream || isDeepStrictEqual(known.stream, stream))) return known.index
    const index = this.#streams.push(stream) - 1
    this.#slots.set(stream.containerId, { stream, index })
    return index
  }
}

function ownGap({ from, to, reason, atLeast, atMost }: GapBounds, s: number): OwnGap {
  const gap = { s, f: String(from), t: String(to), r: reason, n: atLeast }
  return atMost === undefined ? gap : { ...gap, x: atMost }
}
