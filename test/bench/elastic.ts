/*
 * Ingest through the forward port and the server into Elasticsearch, against a plain `_bulk` of the same documents into indices of the same
 * mapping, in turn on the same machine: at least 0.9 of its rate. Usage: elastic.ts [thousands of lines, 200] [rounds, 4]
 * The plain client is as good as one can be: its requests are ready in memory, as large as ours, and so many are under way.
 */
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { startElastic } from '../lab/elastic.ts'
import { type Program, startProgram } from '../lab/program.ts'
import { chunks } from './chunks.ts'
import { deliver } from './fill.ts'
import { folderBytes, quantile, report, residentMb, withFolder } from './measure.ts'

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

async function run(): Promise<void> {
  const resident: number[] = []
  // The first round warms up, and gives the documents for the plain client.
  await ours([])
  const index = await ownIndex()
  const body = await definition(index)
  const { requests, messages } = await documents(index)
  const sizes = { messages, ...(await storedBytes(index)) }
  const rates = { ours: 0, plain: 0 }
  for (let round = 1; round <= ROUNDS; round++) {
    await drop(index)
    const took = { plain: await plain(body, requests), ours: await ours(resident) }
    const lines = { plain: LINES, ours: LINES * (1 - 1 / frames.length) }
    for (const side of ['ours', 'plain'] as const) rates[side] = Math.max(rates[side], lines[side] / took[side])
    process.stdout.write(`round ${round}: ${took.ours.toFixed(0)} ms, plain ${took.plain.toFixed(0)} ms\n`)
  }
  await tell(rates, resident, sizes)
}

async function tell(rates: { ours: number; plain: number }, resident: readonly number[], sizes: Sizes): Promise<void> {
  const { ours, plain } = rates
  report(
    'ingest into Elasticsearch / plain _bulk, as a rate',
    `${(ours / plain).toFixed(2)} (${ours.toFixed(1)} k lines/s / ${plain.toFixed(1)} k lines/s)`,
    'at least 0.9',
  )
  const [median, most] = [quantile(resident, 0.5), quantile(resident, 1)]
  report('server meanwhile', `${median.toFixed(0)} MB, at most ${most.toFixed(0)} MB`, 'under 300 MB')
  const share = (bytes: number): string => (bytes / sizes.messages).toFixed(2)
  report(
    'disk bytes per byte of message',
    `Elasticsearch ${share(sizes.fresh)}, merged ${share(sizes.merged)}, embedded store ${share(await embeddedBytes())}`,
    'for comparison',
  )
}

/** Milliseconds from the second frame to the last ack; samples the server's memory. */
async function ours(resident: number[]): Promise<number> {
  const args = ['--store', 'elasticsearch', '--elasticsearch', elastic.urls.join(), '--elasticsearch-replicas', '0']
  return withServer(args, async ({ child }) => {
    const timer = setInterval(async () => resident.push(await residentMb(child.pid ?? 0)), 100)
    // The index of the day is there before, as that of the plain client is.
    await deliver(FORWARD, frames.slice(0, 1))
    const started = performance.now()
    await deliver(FORWARD, frames.slice(1), IN_FLIGHT)
    clearInterval(timer)
    return performance.now() - started
  })
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

/** Milliseconds that all requests take, so many under way at a time. */
async function plain(body: object, requests: readonly Buffer[]): Promise<number> {
  await ask('PUT', '/plain', Buffer.from(JSON.stringify(body)))
  const started = performance.now()
  const left = requests.values()
  const worker = async (): Promise<void> => {
    for (const bytes of left) {
      const said = await ask('POST', '/plain/_bulk?filter_path=errors,items.*.error.reason', bytes)
      if (said !== '{"errors":false}') throw new Error(`cannot write: ${said.slice(0, 500)}`)
    }
  }
  await Promise.all(Array.from({ length: REQUESTS }, worker))
  const took = performance.now() - started
  await drop('plain')
  return took
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
