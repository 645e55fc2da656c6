/*
 * Ingest through the forward port and the server into Elasticsearch, against a plain `_bulk` of the same documents into indices of the same
 * mapping, in turn on the same machine: at least 0.9 of its rate. Usage: elastic.ts [thousands of lines, 200] [rounds, 4]
 * The plain client is as good as one can be: its requests are ready in memory, as large as ours, and so many are under way.
 * Each round has a server of its own, as its index is a new one. A server runs for weeks, so the first quarter of the lines, which has its code
 * compiled, does not count, on neither side. Neighbouring lines are of other containers, which is the dearest order there is: agents send runs.
 * Where server and cluster share all processors, the rate cannot be better than what the cluster takes a line of what both take: that is told, too.
 */
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { startElastic } from '../lab/elastic.ts'
import { type Program, startProgram } from '../lab/program.ts'
import { chunks } from './chunks.ts'
import { deliver } from './fill.ts'
import { folderBytes, processorMs, quantile, report, residentMb, withFolder } from './measure.ts'

const LINES = Number(process.argv[2] ?? 200) * 1000
const ROUNDS = Number(process.argv[3] ?? 4)
const IN_FLIGHT = 8
const PER_REQUEST = 5_000
const REQUESTS = 4
const HTTP = '127.0.0.1:14380'
const FORWARD = '127.0.0.1:14324'

const frames: Buffer[] = []
for await (const frame of chunks({ containers: 30, lines: LINES })) frames.push(frame)
const elastic = await startElastic({ heap: '1g', isMeasured: true })
const warmFrames = Math.ceil(frames.length / 4)
/** Lines that count. */
const COUNTED = LINES * (1 - warmFrames / frames.length)
const agent = new Agent({ keepAlive: true, maxSockets: REQUESTS })
try {
  await run()
} finally {
  agent.destroy()
  await elastic.stop()
}

/** Bytes of the messages, and of the documents that hold them as the cluster keeps them: as they come, and merged. */
interface Sizes {
  readonly messages: number
  readonly fresh: number
  readonly merged: number
}

/** What the lines that count took: wall time, and processor time of the cluster and of who wrote to it. */
interface Took {
  readonly ms: number
  readonly clusterMs: number
  readonly writerMs: number
}

async function run(): Promise<void> {
  const resident: number[] = []
  // The first round warms the cluster up, and gives the documents for the plain client.
  await ours([])
  const index = await ownIndex()
  const body = await definition(index)
  const { requests, messages } = await documents(index)
  const sizes = { messages, ...(await storedBytes(index)) }
  const took = { ours: [] as Took[], plain: [] as Took[] }
  for (let round = 1; round <= ROUNDS; round++) {
    await drop(index)
    const [theirs, mine] = [await plain(body, requests), await ours(resident)]
    took.plain.push(theirs)
    took.ours.push(mine)
    process.stdout.write(`round ${round}: ${mine.ms.toFixed(0)} ms, plain ${theirs.ms.toFixed(0)} ms\n`)
  }
  tellRates(took.ours, took.plain)
  await tellSizes(resident, sizes)
}

/** The best of each, so that what else the machine does matters least. */
function tellRates(ours: readonly Took[], plain: readonly Took[]): void {
  const rate = (all: readonly Took[]): number => COUNTED / Math.min(...all.map(({ ms }) => ms))
  report(
    'ingest into Elasticsearch / plain _bulk, as a rate',
    `${(rate(ours) / rate(plain)).toFixed(2)} (${rate(ours).toFixed(1)} k lines/s / ${rate(plain).toFixed(1)} k lines/s)`,
    'at least 0.9',
  )
  const perLine = (all: readonly Took[], of: 'clusterMs' | 'writerMs'): string =>
    `${((Math.min(...all.map((one) => one[of])) * 1000) / COUNTED).toFixed(0)} µs`
  report(
    'processor time for a line',
    `server ${perLine(ours, 'writerMs')}, Elasticsearch ${perLine(ours, 'clusterMs')}; ` +
      `plain client ${perLine(plain, 'writerMs')}, Elasticsearch ${perLine(plain, 'clusterMs')}`,
    'for comparison',
  )
}

async function tellSizes(resident: readonly number[], sizes: Sizes): Promise<void> {
  const [median, most] = [quantile(resident, 0.5), quantile(resident, 1)]
  report('server meanwhile', `${median.toFixed(0)} MB, at most ${most.toFixed(0)} MB`, 'under 300 MB')
  const share = (bytes: number): string => (bytes / sizes.messages).toFixed(2)
  report(
    'disk bytes per byte of message',
    `Elasticsearch ${share(sizes.fresh)}, merged ${share(sizes.merged)}, embedded store ${share(await embeddedBytes())}`,
    'for comparison',
  )
}

/** Samples the server's memory, too. */
async function ours(resident: number[]): Promise<Took> {
  const args = ['--store', 'elasticsearch', '--elasticsearch', elastic.urls.join(), '--elasticsearch-replicas', '0']
  return withServer(args, async ({ child: { pid = 0 } }) => {
    const timer = setInterval(async () => resident.push(await residentMb(pid)), 100)
    await deliver(FORWARD, frames.slice(0, warmFrames), IN_FLIGHT)
    const took = await timed(pid, () => deliver(FORWARD, frames.slice(warmFrames), IN_FLIGHT))
    clearInterval(timer)
    return took
  })
}

async function timed(writer: number, body: () => Promise<void>): Promise<Took> {
  const cluster = elastic.pid(1)
  const before = [await processorMs(cluster), await processorMs(writer), performance.now()] as const
  await body()
  return {
    ms: performance.now() - before[2],
    clusterMs: (await processorMs(cluster)) - before[0],
    writerMs: (await processorMs(writer)) - before[1],
  }
}

/** What the same lines take in the embedded store, closed. */
async function embeddedBytes(): Promise<number> {
  return withFolder(async (folder) => {
    const data = join(folder, 'data')
    await withServer(['--data', data], () => deliver(FORWARD, frames, IN_FLIGHT))
    return folderBytes(data)
  })
}

async function withServer<T>(args: readonly string[], body: (server: Program) => Promise<T>): Promise<T> {
  const server = await startProgram(['server', ...args, '--listen', HTTP, '--forward', FORWARD, '--insecure'])
  try {
    return await body(server)
  } finally {
    await server.end('SIGTERM')
  }
}

/** So many requests are under way at a time. */
async function plain(body: object, requests: readonly Buffer[]): Promise<Took> {
  await ask('PUT', '/plain', Buffer.from(JSON.stringify(body)))
  const warm = Math.ceil((requests.length * warmFrames) / frames.length)
  await writePlainly(requests.slice(0, warm))
  const took = await timed(process.pid, () => writePlainly(requests.slice(warm)))
  await drop('plain')
  return took
}

async function writePlainly(requests: readonly Buffer[]): Promise<void> {
  const left = requests.values()
  const worker = async (): Promise<void> => {
    for (const bytes of left) {
      const said = await ask('POST', '/plain/_bulk?filter_path=errors,items.*.error.reason', bytes)
      if (said !== '{"errors":false}') throw new Error(`cannot write: ${said.slice(0, 500)}`)
    }
  }
  await Promise.all(Array.from({ length: REQUESTS }, worker))
}

/** The index that the lines are in; they may lie over midnight, which this cannot measure. */
async function ownIndex(): Promise<string> {
  await ask('POST', '/swarmlogs-2*/_refresh')
  const found: { index: string; 'docs.count': string }[] = JSON.parse(
    await ask('GET', '/_cat/indices/swarmlogs-2*?format=json'),
  )
  const full = found.find((one) => Number(one['docs.count']) === LINES)
  if (full === undefined) throw new Error(`cannot find the day with all lines: ${JSON.stringify(found)}`)
  return full.index
}

async function definition(index: string): Promise<object> {
  const { [index]: found } = JSON.parse(await ask('GET', `/${index}`))
  const { codec, analysis, refresh_interval, translog, sort } = found.settings.index
  const settings = { index: { codec, analysis, refresh_interval, translog, sort, number_of_replicas: 0 } }
  return { settings, mappings: found.mappings }
}

/** The documents of an index as bodies of `_bulk`, and how many bytes their messages have. */
async function documents(index: string): Promise<{ requests: Buffer[]; messages: number }> {
  const { id } = JSON.parse(await ask('POST', `/${index}/_pit?keep_alive=5m`))
  const requests: Buffer[] = []
  let messages = 0
  for (let after: unknown; ; ) {
    const query = { size: PER_REQUEST, pit: { id }, sort: [{ '@timestamp': 'asc' }], search_after: after }
    const answer = await ask('POST', '/_search', Buffer.from(JSON.stringify(query)))
    const hits: { _id: string; _source: { message: string }; sort: unknown }[] = JSON.parse(answer).hits.hits
    if (hits.length === 0) break
    for (const { _source } of hits) messages += Buffer.byteLength(_source.message)
    const lines = hits.map(({ _id, _source }) => `{"create":{"_id":"${_id}"}}\n${JSON.stringify(_source)}\n`)
    requests.push(Buffer.from(lines.join('')))
    after = hits.at(-1)?.sort
  }
  await ask('DELETE', '/_pit', Buffer.from(JSON.stringify({ id })))
  return { requests, messages }
}

async function storedBytes(index: string): Promise<{ fresh: number; merged: number }> {
  const bytes = async (): Promise<number> => {
    await ask('POST', `/${index}/_flush`)
    const { _all } = JSON.parse(await ask('GET', `/${index}/_stats/store`))
    return _all.primaries.store.size_in_bytes
  }
  const fresh = await bytes()
  await ask('POST', `/${index}/_forcemerge?max_num_segments=1`)
  return { fresh, merged: await bytes() }
}

async function drop(index: string): Promise<void> {
  await ask('DELETE', `/${index}`)
}

function ask(method: string, path: string, body?: Buffer): Promise<string> {
  const type = path.includes('_bulk') ? 'application/x-ndjson' : 'application/json'
  const options = { method, agent, headers: { 'content-type': type, 'content-length': body?.length ?? 0 } }
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, elastic.urls[0]), options, (response) => {
      text(response).then(resolve, reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
