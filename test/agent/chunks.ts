import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { type DestinationStream, type Logger, pino } from 'pino'
import { onTestFinished } from 'vitest'
import type { SealedChunk } from '../../agent/chunk.ts'
import type { TailBatch, TailLine } from '../../agent/line.ts'
import { packOption } from '../../shared/forward/encode.ts'
import { EntryPacker } from '../../shared/forward/entries.ts'
import type { LogStream } from '../../shared/record.ts'

export const silent: Logger = pino({ level: 'silent' })

/** A logger and what it has logged. */
export function recordingLog(): { log: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = []
  const destination: DestinationStream = { write: (text) => lines.push(JSON.parse(text)) }
  return { log: pino({ level: 'debug' }, destination), lines }
}

/** A folder that is gone after the test. */
export function temporaryDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'swarmlogs-ship-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

export function streamOf(containerId: string): LogStream {
  return {
    cluster: '',
    nodeId: 'node-id',
    nodeName: 'node1',
    stack: 'shop',
    service: 'shop_web',
    serviceId: 'service-id',
    taskId: 'task-id',
    taskName: 'shop_web.1.task-id',
    slot: 1,
    containerId,
    containerName: `name-of-${containerId}`,
    image: 'busybox:1',
    attributes: {},
    tag: '',
  }
}

export function lineOf(text: string, rest: Partial<TailLine> = {}): TailLine {
  const message = Buffer.from(text)
  return { source: 'stdout', seconds: 1, nanos: 2, ordinal: 0, message, cutFrom: 0, headMissing: false, ...rest }
}

/** A batch of one container; its checkpoint is `{ n }`. */
export function batchOf(containerId: string, texts: readonly string[], n = 0): TailBatch {
  const lines = texts.map((text) => lineOf(text))
  const bytes = lines.reduce((sum, line) => sum + line.message.length, 0)
  return { stream: streamOf(containerId), lines, checkpoint: { n }, bytes }
}

/** A sealed chunk of one container, each text a line. */
export function chunkOf(id: string, texts: readonly string[] = [id], n = 0, containerId = 'c1'): SealedChunk {
  const packer = new EntryPacker(1024)
  for (const text of texts) packer.add(lineOf(text), 0)
  return {
    id,
    records: texts.length,
    body: zstdCompressSync(packer.bytes()),
    option: packOption({ format: 1, streams: [streamOf(containerId)] }),
    containers: [containerId],
    checkpoints: new Map([[containerId, { n }]]),
  }
}

/** All that an iterable yields. */
export async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const gathered: T[] = []
  for await (const value of values) gathered.push(value)
  return gathered
}
