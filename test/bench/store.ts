/*
 * What the embedded store does on this machine: node test/bench/store.ts [millions of lines, default 1]
 * Prints rates, and what the same lines cost elsewhere in the same run: a plain write with fsync, zstd of all messages in one go.
 */
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { constants, zstdCompressSync } from 'node:zlib'
import { pino } from 'pino'
import { parseLine } from '../../server/parse/line.ts'
import type { Query } from '../../server/query/query.ts'
import { openStore } from '../../server/store/open.ts'
import type { Store } from '../../server/store/store.ts'
import type { LogRecord, LogStream } from '../../shared/record.ts'
import { Corpus, PROGRAMS } from './corpus.ts'

const BATCH = 5000
const REPLICAS = 8
const LINES = Math.round(Number(process.argv[2] ?? 1) * 1e6)
const ALL = { services: [], stacks: [], tasks: [], nodes: [], containers: [], sources: [], grep: '' }

let peakRss = 0
const watch = setInterval(() => {
  peakRss = Math.max(peakRss, process.memoryUsage().rss)
}, 20)

const dir = await mkdtemp(join(tmpdir(), 'swarmlogs-bench-'))
const log = pino({ level: 'warn' })
let store = await openStore({ dir, retentionMs: 30 * 86_400_000, log })
const streams = Array.from({ length: PROGRAMS * REPLICAS }, (_, index) => streamOf(index))
const start = BigInt(Date.now()) * 1_000_000n - BigInt(LINES) * 100_000n

const ingest = await fill(store)
const closing = performance.now()
await store.close()
report('close (checkpoint)', `${(performance.now() - closing).toFixed(0)} ms`)
const opening = performance.now()
store = await openStore({ dir, retentionMs: 30 * 86_400_000, log })
report('open', `${(performance.now() - opening).toFixed(0)} ms`)
report('lines', `${LINES}, ${(ingest.bytes / LINES).toFixed(0)} bytes each`)
report(
  'ingest, batches of 5,000',
  `${rate(LINES, ingest.ms)}; append p50 ${ingest.p50} ms, p99 ${ingest.p99} ms, max ${ingest.max} ms`,
)
report('ingest against write+fsync of the messages', `${(ingest.rawMs / ingest.ms).toFixed(2)} of its rate`)
report('longest pause of the event loop, ingest', `${ingest.pause} ms`)
report(
  'disk',
  `${(store.status().bytes / ingest.bytes).toFixed(3)} bytes per byte of message (zstd -3 of 1 MiB blocks: ${ingest.zstd.toFixed(3)})`,
)
report('RSS after ingest', mib(process.memoryUsage().rss))
peakRss = 0

const small = await timed(() =>
  count(store, { filter: { ...ALL, services: ['shop_app1'] }, order: 'asc', newest: 100 }),
)
report('last 100 of a service, first', `${small.ms.toFixed(1)} ms`)
const again = await timed(() =>
  count(store, { filter: { ...ALL, services: ['shop_app1'] }, order: 'asc', newest: 100 }),
)
report('last 100 of a service', `${again.ms.toFixed(1)} ms`)
const printed = await timed(() => print(store, { filter: ALL, order: 'asc' }, false))
report('print', `${rate(printed.value, printed.ms)} to buffers; longest pause ${printed.pause} ms`)
const stamped = await timed(() => print(store, { filter: ALL, order: 'asc' }, true))
report('print with timestamps', rate(stamped.value, stamped.ms))
const one = await timed(() => print(store, { filter: { ...ALL, services: ['shop_app2'] }, order: 'asc' }, false))
report('print of one service', rate(one.value, one.ms))
const searched = await timed(() => count(store, { filter: ALL, order: 'asc' }))
report('search (records)', `${rate(searched.value, searched.ms)}; longest pause ${searched.pause} ms`)
const grep = await timed(() => count(store, { filter: { ...ALL, grep: 'Connection REFUSED' }, order: 'asc' }))
report(`grep, ${grep.value} found`, `${grep.ms.toFixed(0)} ms, ${rate(LINES, grep.ms)}`)
const rare = await timed(() => count(store, { filter: { ...ALL, grep: 'no such text' }, order: 'desc', limit: 100 }))
report('grep, nothing found', `${rare.ms.toFixed(0)} ms, ${rate(LINES, rare.ms)}`)
report('peak RSS of all searches', mib(peakRss))
clearInterval(watch)
await store.close()
await rm(dir, { recursive: true, force: true })

async function fill(target: Store): Promise<{
  ms: number
  rawMs: number
  bytes: number
  zstd: number
  pause: string
  p50: string
  p99: string
  max: string
}> {
  const corpus = new Corpus(1)
  const times: number[] = []
  let bytes = 0
  let rawMs = 0
  let pause = 0
  const sample: string[] = []
  const raw = await open(join(dir, 'raw'), 'w')
  for (let first = 0; first < LINES; first += BATCH) {
    const records = Array.from({ length: Math.min(BATCH, LINES - first) }, (_, index) =>
      recordOf(corpus, first + index),
    )
    const text = Buffer.from(records.map((record) => record.message).join('\n'))
    bytes += text.length - records.length + 1
    if (sample.length < 20) sample.push(text.toString())
    const timing = await timed(() => target.append(records))
    times.push(timing.ms)
    pause = Math.max(pause, Number(timing.pause))
    rawMs += (await timed(() => raw.write(text).then(() => raw.sync()))).ms
  }
  await raw.close()
  await rm(join(dir, 'raw'))
  const plain = Buffer.from(sample.join('\n'))
  let packed = 0
  for (let at = 0; at < plain.length; at += 2 ** 20) {
    packed += zstdCompressSync(plain.subarray(at, at + 2 ** 20), {
      params: { [constants.ZSTD_c_compressionLevel]: 3 },
    }).length
  }
  times.sort((a, b) => a - b)
  const quantile = (share: number): string =>
    (times[Math.min(Math.floor(times.length * share), times.length - 1)] ?? 0).toFixed(1)
  const ms = times.reduce((sum, time) => sum + time, 0)
  return {
    ms,
    rawMs,
    bytes,
    zstd: packed / plain.length,
    pause: pause.toFixed(0),
    p50: quantile(0.5),
    p99: quantile(0.99),
    max: quantile(1),
  }
}

function recordOf(corpus: Corpus, index: number): LogRecord {
  const time = start + BigInt(index) * 100_000n
  const { program, message } = corpus.line(Number(time / 1_000_000n))
  const stream = streams[program * REPLICAS + (index % REPLICAS)]
  if (stream === undefined) throw new Error('BUG: no such stream')
  const source = index % 7 === 0 ? 'stderr' : 'stdout'
  return { stream, source, time, ordinal: 0, message, cutFrom: 0, headMissing: false, chunk: '', ...parseLine(message) }
}

function streamOf(index: number): LogStream {
  const id = index.toString(36).padStart(2, '0')
  const [service, slot] = [`shop_app${Math.floor(index / REPLICAS)}`, (index % REPLICAS) + 1]
  const taskId = `t${id}`.padEnd(25, 'x')
  return {
    cluster: 'bench',
    nodeId: `node${index % 3}`,
    nodeName: `worker-${index % 3}`,
    stack: 'shop',
    service,
    serviceId: `s${Math.floor(index / REPLICAS)}`,
    taskId,
    taskName: `${service}.${slot}.${taskId}`,
    slot,
    containerId: `c${id}`.padEnd(64, '0'),
    containerName: `${service}.${slot}.${taskId}`,
    image: 'bench:1',
    attributes: {},
    tag: '',
  }
}

async function count(target: Store, query: Query): Promise<number> {
  let total = 0
  for await (const batch of target.search(query)) total += batch.length
  return total
}

async function print(target: Store, query: Query, timestamps: boolean): Promise<number> {
  let lines = 0
  const prefix = (stream: LogStream): string => `${stream.taskName.slice(0, 24)}@${stream.nodeName}    | `
  for await (const runs of target.print(query, { timestamps, prefix })) {
    for (const run of runs) for (const byte of Buffer.from(run.text)) if (byte === 10) lines++
  }
  return lines
}

/** Runs the work and watches for how long it kept everything else from its turn. */
async function timed<T>(work: () => Promise<T>): Promise<{ value: T; ms: number; pause: string }> {
  let last = performance.now()
  let pause = 0
  const tick = setInterval(() => {
    pause = Math.max(pause, performance.now() - last - 1)
    last = performance.now()
  }, 1)
  const begin = performance.now()
  const value = await work()
  const ms = performance.now() - begin
  clearInterval(tick)
  return { value, ms, pause: Math.max(pause, 0).toFixed(0) }
}

function rate(amount: number, ms: number): string {
  return `${Math.round(amount / ms)} k/s`
}

function mib(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`
}

function report(name: string, value: string): void {
  process.stdout.write(`${name.padEnd(46)} ${value}\n`)
}
