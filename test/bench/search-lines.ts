/*
 * The lines that search.ts looks through: of 16 services in 24 h, the same in a store, in a plain file and in a compressed one.
 */
import { execFile } from 'node:child_process'
import { access, mkdir, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { parseLine } from '../../server/parse/line.ts'
import { openStore } from '../../server/store/open.ts'
import type { LogRecord, LogStream } from '../../shared/record.ts'
import { Corpus } from './corpus.ts'

const BATCH = 5_000
const DAY_NS = 86_400_000_000_000n
const SERVICES = 16
const REPLICAS = 3
/** One line in so many is of a kind that no other is. */
const RARE_EVERY = 2_000_000

/** Where the same lines are. */
export interface Filled {
  readonly store: string
  readonly plain: string
  readonly packed: string
}

/** Fills a folder with so many lines over so many days, the last one of now; one that was filled before stays as it is. */
export async function filled(folder: string, lines: number, days = 1): Promise<Filled> {
  const files = {
    store: join(folder, 'store'),
    plain: join(folder, 'lines.log'),
    packed: join(folder, 'lines.log.zst'),
  }
  if (await isThere(files.packed)) return files
  await mkdir(folder, { recursive: true })
  await fillBoth(files, lines, BigInt(days) * DAY_NS)
  await promisify(execFile)('zstd', ['-q', '-3', '-T2', '-f', files.plain, '-o', `${files.packed}.unfinished`])
  await rename(`${files.packed}.unfinished`, files.packed)
  return files
}

async function fillBoth({ store: dir, plain }: Filled, lines: number, span: bigint): Promise<void> {
  const store = await openStore({ dir, retentionMs: 30 * 86_400_000, log: pino({ level: 'warn' }) })
  const file = await open(plain, 'w')
  const corpus = new Corpus(1)
  const start = BigInt(Date.now()) * 1_000_000n - span
  const streams = Array.from({ length: SERVICES * REPLICAS }, (_, index) => streamOf(index))
  for (let first = 0; first < lines; first += BATCH) {
    const records = Array.from({ length: Math.min(BATCH, lines - first) }, (_, index) => {
      const number = first + index
      return recordOf(corpus, number, start + (BigInt(number) * span) / BigInt(lines), streams)
    })
    await file.write(records.map(({ message }) => `${message}\n`).join(''))
    await store.append(records)
  }
  await file.close()
  await store.close()
}

function recordOf(corpus: Corpus, number: number, time: bigint, streams: readonly LogStream[]): LogRecord {
  const { program, message: common } = corpus.line(Number(time / 1_000_000n))
  const rare = `kernel: Out of memory: Killed process ${4_000 + Math.floor(number / RARE_EVERY)} (postgres) total-vm:${number}kB`
  const message = number % RARE_EVERY === RARE_EVERY / 2 ? rare : common
  const stream = streams[((program + 6 * (number % 3)) % SERVICES) * REPLICAS + (number % REPLICAS)]
  if (stream === undefined) throw new Error('BUG: no such stream')
  const source = number % 7 === 0 ? 'stderr' : 'stdout'
  return { stream, source, time, ordinal: 0, message, cutFrom: 0, headMissing: false, chunk: '', ...parseLine(message) }
}

function streamOf(index: number): LogStream {
  const [service, slot] = [`app${Math.floor(index / REPLICAS)}`, (index % REPLICAS) + 1]
  const taskId = `t${index}`.padEnd(25, 'x')
  return {
    cluster: 'bench',
    nodeId: `node${index % 3}`,
    nodeName: `worker-${index % 3}`,
    stack: '',
    service,
    serviceId: service.padEnd(25, '0'),
    taskId,
    taskName: `${service}.${slot}.${taskId}`,
    slot,
    containerId: `c${index}`.padEnd(64, '0'),
    containerName: `${service}.${slot}.${taskId}`,
    image: 'bench:1',
    attributes: {},
    tag: '',
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
