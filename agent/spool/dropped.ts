import type { OwnGap, RecordsOption } from '../../shared/forward/own.ts'
import { WIRE_FORMAT } from '../../shared/forward/own.ts'
import type { LogStream } from '../../shared/record.ts'
import type { SpooledChunk } from '../chunk.ts'
import { forEachLine, optionOf } from './contents.ts'

/** Gaps of one container so near to each other are one: its two sources are not quite in the order of their times. */
const NEAR_NS = 1_000_000_000n
/** What remains of dropped chunks is one frame as long as it has not more than this. */
const MAX_STREAMS = 256
const MAX_GAPS = 1000

interface Lost {
  from: bigint
  to: bigint
  lines: number
}

/**
 * What is left of a chunk when its lines are dropped: the gaps that it told of, and one for each container with lines in it. Of a chunk
 * that was sent and not acked nobody knows whether the server has it.
 */
export function remainsOf(chunk: SpooledChunk, wasSent: boolean): RecordsOption {
  const { streams, gaps = [] } = optionOf(chunk)
  const lost = [...linesOf(chunk)].map(([s, { from, to, lines }]): OwnGap => {
    const n = wasSent ? 0 : lines
    return { s, f: String(from), t: String(to), r: 'dropped', n, x: lines }
  })
  return { format: WIRE_FORMAT, streams, gaps: [...gaps, ...lost] }
}

/** The remains of consecutive chunks as one; undefined when that would be too much for a frame. */
export function joinRemains(before: RecordsOption, after: RecordsOption): RecordsOption | undefined {
  const streams = [...before.streams]
  const gaps = [...(before.gaps ?? [])]
  for (const gap of after.gaps ?? []) {
    const s = indexOf(streams, after.streams[gap.s])
    const at = gaps.findLastIndex((other) => other.s === s && other.r === gap.r)
    const joined = join(gaps[at], gap)
    if (joined === undefined) gaps.push({ ...gap, s })
    else gaps[at] = joined
  }
  if (streams.length > MAX_STREAMS || gaps.length > MAX_GAPS) return undefined
  return { format: WIRE_FORMAT, streams, gaps }
}

function join(before: OwnGap | undefined, after: OwnGap): OwnGap | undefined {
  if (before?.r !== 'dropped') return undefined
  const [from, to] = [BigInt(after.f), BigInt(after.t)]
  const isNext = from >= BigInt(before.f) && from >= BigInt(before.t) - NEAR_NS
  if (!isNext) return undefined
  const end = to > BigInt(before.t) ? after.t : before.t
  return { ...before, t: end, n: before.n + after.n, x: (before.x ?? before.n) + (after.x ?? after.n) }
}

function indexOf(streams: LogStream[], stream: LogStream | undefined): number {
  if (stream === undefined) throw new Error('BUG: a gap of no stream')
  const known = streams.findIndex(({ containerId }) => containerId === stream.containerId)
  return known === -1 ? streams.push(stream) - 1 : known
}

/** Number and times of each stream's lines. */
function linesOf(chunk: SpooledChunk): Map<number, Lost> {
  const lost = new Map<number, Lost>()
  forEachLine(chunk, (stream, time) => {
    const of = lost.get(stream)
    if (of === undefined) lost.set(stream, { from: time, to: time, lines: 1 })
    else add(of, time)
  })
  return lost
}

function add(lost: Lost, time: bigint): void {
  lost.lines += 1
  if (time < lost.from) lost.from = time
  if (time > lost.to) lost.to = time
}
