import { promisify } from 'node:util'
import { gzip, zstdDecompress } from 'node:zlib'
import { Unpackr } from 'msgpackr'
import { type FrameBody, packEntry } from '../../shared/forward/encode.ts'
import type { OwnEntry, RecordsOption } from '../../shared/forward/own.ts'
import type { LogStream } from '../../shared/record.ts'
import type { SpooledChunk } from '../chunk.ts'

const compress = promisify(gzip)
const decompress = promisify(zstdDecompress)
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' })

/** Bytes of `[EventTime, record]` in front of the time, and of the time. */
const TIME_AT = 1
const TIME_BYTES = 10

/** Makes a chunk's records stand on their own, gzip, for receivers that know nothing of our stream table. */
export async function toForeign(chunk: SpooledChunk): Promise<FrameBody> {
  const { streams } = unpackr.unpack(chunk.option) as RecordsOption
  const labels = streams.map(labelsOf)
  const entries = await decompress(chunk.body)
  const parts: Buffer[] = []
  unpackr.unpackMultiple(entries, ([, entry]: [unknown, OwnEntry], start = 0) => {
    const time = entries.subarray(start + TIME_AT, start + TIME_AT + TIME_BYTES)
    parts.push(packEntry(time, recordOf(entry, labels[entry.s] ?? {})))
  })
  return { id: chunk.id, records: chunk.records, body: await compress(Buffer.concat(parts)) }
}

/** Names as Docker's own fluentd driver has them, where it has them. */
function recordOf(entry: OwnEntry, labels: object): object {
  const source = entry.e === 1 ? 'stderr' : 'stdout'
  const cut = entry.t === undefined ? {} : { truncated_from: entry.t }
  return { message: entry.m, source, ...labels, ...cut }
}

function labelsOf(stream: LogStream): object {
  const labels = {
    container_id: stream.containerId,
    container_name: stream.containerName,
    image: stream.image,
    service: stream.service,
    stack: stream.stack,
    task: stream.taskName,
    node: stream.nodeName,
    cluster: stream.cluster,
  }
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''))
}
