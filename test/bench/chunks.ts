import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { zstdCompress } from 'node:zlib'
import { Packr } from 'msgpackr'
import { type OwnEntry, RECORDS_TAG, type RecordsOption, WIRE_FORMAT } from '../../shared/forward/own.ts'
import type { LogStream } from '../../shared/record.ts'
import { Corpus } from './corpus.ts'

const packr = new Packr({ useRecords: false, variableMapSize: true })
const compress = promisify(zstdCompress)
const PER_CHUNK = 5_000

/** Frames as agents send them: `lines` of a mixed cluster, spread over so many containers of `web` and the last hour. */
export async function* chunks(wanted: { containers: number; lines: number }): AsyncGenerator<Buffer> {
  const corpus = new Corpus(1)
  const swarmlogs: RecordsOption = {
    format: WIRE_FORMAT,
    streams: Array.from({ length: wanted.containers }, (_, i) => stream(i, 'web')),
  }
  const startMs = Date.now() - 3_600_000
  const stepNs = Math.floor(3.5e12 / wanted.lines)
  for (let first = 0; first < wanted.lines; first += PER_CHUNK) {
    const parts: Buffer[] = []
    for (let i = first; i < Math.min(first + PER_CHUNK, wanted.lines); i++) {
      const elapsedNs = i * stepNs
      const ms = startMs + Math.floor(elapsedNs / 1e6)
      const entry: OwnEntry = {
        m: corpus.line(ms).message,
        s: i % wanted.containers,
        ...(i % 10 === 0 ? { e: 1 as const } : {}),
      }
      parts.push(Buffer.from([0x92]), eventTime(ms, elapsedNs % 1e6), packr.pack(entry))
    }
    const entries = await compress(Buffer.concat(parts))
    yield packr.pack([RECORDS_TAG, entries, { chunk: randomBytes(16).toString('hex'), compressed: 'zstd', swarmlogs }])
  }
}

/** The labels of container `i` of a service that runs on three nodes. */
function stream(i: number, service: string): LogStream {
  const taskId = `task${i}`.padEnd(25, '0')
  const taskName = `${service}.${i + 1}.${taskId}`
  return {
    cluster: 'bench',
    nodeId: `node${(i % 3) + 1}`.padEnd(25, '0'),
    nodeName: `node${(i % 3) + 1}`,
    stack: '',
    service,
    serviceId: service.padEnd(25, '0'),
    taskId,
    taskName,
    slot: i + 1,
    containerId: `c${i}`.padEnd(64, '0'),
    containerName: taskName,
    image: `${service}:1@sha256:0`,
    attributes: {},
    tag: '',
  }
}

function eventTime(ms: number, restNs: number): Buffer {
  const bytes = Buffer.alloc(10)
  bytes.writeUInt16BE(0xd700, 0)
  bytes.writeUInt32BE(Math.floor(ms / 1000), 2)
  bytes.writeUInt32BE((ms % 1000) * 1_000_000 + (restNs % 1_000_000), 6)
  return bytes
}
