import { Packr, Unpackr } from 'msgpackr'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { Gap } from '../../shared/gap.ts'
import type { Inventory } from '../../shared/inventory.ts'
import type { LogStream, StoredRecord } from '../../shared/record.ts'
import type { AgentReport } from '../../shared/report.ts'
import type { Annotation } from '../annotations.ts'
import { weigh } from '../live.ts'
import type { Appended } from '../store/store.ts'

/** What one server tells another. */
export type Frame =
  /** Comes first: who it is, and up to where it cannot announce any more what it committed since it was last heard. */
  | { readonly kind: 'hello'; readonly instance: string; readonly missingUpTo?: bigint }
  | { readonly kind: 'commit'; readonly received: bigint; readonly stored: readonly StoredRecord[] }
  /** All of its commits up to `promise` were announced; `newest` is the last of them that has records. */
  | { readonly kind: 'promise'; readonly promise: bigint; readonly newest: bigint }
  /** When it last heard of the agents of nodes. */
  | { readonly kind: 'nodes'; readonly seen: readonly (readonly [string, bigint])[] }
  | { readonly kind: 'inventory'; readonly inventory: Inventory }
  /** What an agent told it, and the commit up to which that speaks of what is stored. */
  | { readonly kind: 'report'; readonly report: AgentReport; readonly after: bigint }
  /** Gaps that it has stored. */
  | { readonly kind: 'gaps'; readonly gaps: readonly Gap[] }
  /** What somebody noted there. */
  | { readonly kind: 'annotation'; readonly annotation: Annotation }
  /** It ends, and commits nothing more. */
  | { readonly kind: 'bye' }

type Row = [number, boolean, bigint, number, string, number, boolean, string, StoredRecord['level'], string]

/** A commit as it travels: streams once, records as rows that refer to them. */
interface PackedCommit {
  readonly kind: 'commit'
  readonly received: bigint
  readonly streams: readonly LogStream[]
  readonly rows: readonly Row[]
}

const MAX_FRAME_BYTES = 64 * 2 ** 20
/** A large commit travels in parts. */
const PART_RECORDS = 2_000
const PART_BYTES = 2 ** 20

const packr = new Packr({ useRecords: false, variableMapSize: true })
const unpackr = new Unpackr({ useRecords: false, int64AsType: 'bigint' })

/** A frame as bytes: four of length, then MessagePack. */
export function encodeFrame(frame: Exclude<Frame, { kind: 'commit' }> | PackedCommit): Buffer {
  const body = packr.pack(frame)
  const bytes = Buffer.allocUnsafe(4 + body.length)
  bytes.writeUInt32BE(body.length)
  bytes.set(body, 4)
  return bytes
}

/** The frames of a commit. */
export function* encodeCommit({ received, stored }: Pick<Appended, 'received' | 'stored'>): Generator<Buffer> {
  let part: StoredRecord[] = []
  let bytes = 0
  for (const record of stored) {
    part.push(record)
    bytes += weigh([record])
    if (part.length < PART_RECORDS && bytes < PART_BYTES) continue
    yield encodeFrame(packed(received, part))
    part = []
    bytes = 0
  }
  if (part.length > 0) yield encodeFrame(packed(received, part))
}

function packed(received: bigint, records: readonly StoredRecord[]): PackedCommit {
  const places = new Map<LogStream, number>()
  const rows = records.map((record): Row => {
    const place = places.get(record.stream) ?? places.size
    places.set(record.stream, place)
    const { source, time, ordinal, message, cutFrom, headMissing, chunk, level, fields } = record
    return [place, source === 'stderr', time, ordinal, message, cutFrom, headMissing, chunk, level, fields]
  })
  return { kind: 'commit', received, streams: [...places.keys()], rows }
}

function unpacked({ received, streams, rows }: PackedCommit): Frame {
  const stored = rows.map((row): StoredRecord => {
    const [place, isStderr, time, ordinal, message, cutFrom, headMissing, chunk, level, fields] = row
    const stream = streams[place]
    if (stream === undefined) throw garbled()
    const source = isStderr ? 'stderr' : 'stdout'
    return { stream, source, time, ordinal, message, cutFrom, headMissing, chunk, level, fields, received }
  })
  return { kind: 'commit', received, stored }
}

/** Cuts what comes from a peer into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0)

  /** The frames that are whole now. Throws SWARMLOGS_PROTOCOL. */
  read(chunk: Buffer): Frame[] {
    const frames: Frame[] = []
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    while (bytes.length >= 4) {
      const length = bytes.readUInt32BE()
      if (length > MAX_FRAME_BYTES) throw garbled()
      if (bytes.length < 4 + length) break
      frames.push(decode(bytes.subarray(4, 4 + length)))
      bytes = bytes.subarray(4 + length)
    }
    this.#rest = bytes
    return frames
  }
}

/** Peers are trusted, as they hold a token; what they send is only checked for being one of ours. */
function decode(body: Buffer): Frame {
  const frame: unknown = unpackr.unpack(body)
  if (typeof frame !== 'object' || frame === null || !('kind' in frame)) throw garbled()
  return frame.kind === 'commit' ? unpacked(frame as PackedCommit) : (frame as Frame)
}

function garbled(): SwarmlogsError {
  return new SwarmlogsError('SWARMLOGS_PROTOCOL', 'cannot read what a peer sends: let all servers run the same version')
}
