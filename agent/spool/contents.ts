import { zstdDecompressSync } from 'node:zlib'
import { Unpackr } from 'msgpackr'
import type { OwnEntry, RecordsOption } from '../../shared/forward/own.ts'
import type { Source } from '../../shared/record.ts'
import type { SpooledChunk } from '../chunk.ts'

const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' })

/** Bytes of an entry `[EventTime, OwnEntry]` in front of the seconds. */
const SECONDS_AT = 3

/** What a chunk says of itself. */
export function optionOf({ option }: Pick<SpooledChunk, 'option'>): RecordsOption {
  return unpackr.unpack(option) as RecordsOption
}

/** Calls for each line of a chunk, in order, with the index of its stream and its time, nanoseconds since 1970. */
export function forEachLine(
  { records, body }: SpooledChunk,
  call: (stream: number, time: bigint, source: Source) => void,
): void {
  if (records === 0) return
  const entries = zstdDecompressSync(body)
  unpackr.unpackMultiple(entries, ([, { s, e }]: [unknown, OwnEntry], start = 0) => {
    const at = start + SECONDS_AT
    const time = BigInt(entries.readUInt32BE(at)) * 1_000_000_000n + BigInt(entries.readUInt32BE(at + 4))
    call(s, time, e === 1 ? 'stderr' : 'stdout')
  })
}
