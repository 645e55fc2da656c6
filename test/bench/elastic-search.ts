/*
 * What our server adds to Elasticsearch's own time for a question, in its HTTP API: node test/bench/elastic-search.ts [lines, default 300000]
 * The bare query asks the same of the same index in one request, for what an answer is made of, and its answer is parsed. For a text that
 * begins or ends within a word Elasticsearch has no query that answers alone; bare is then the one that finds the candidates, all pages of them.
 * Elasticsearch keeps the counts of a question that comes again: each round asks for another beginning, long before the first line.
 */
import { join } from 'node:path'
import { startElastic } from '../lab/elastic.ts'
import { eventually, type Program, startProgram } from '../lab/program.ts'
import { fill } from './fill.ts'
import { quantile, report, withFolder } from './measure.ts'

const LINES = Number(process.argv[2] ?? 300_000)
const ROUNDS = 15
const PREFIX = 'swarmlogs'
const MEMBERS = ['@timestamp', 'message', 'log.level', 'log.iostream', 'fields', 'swarmlogs.*']
const SORT = ['swarmlogs.owner', 'log.iostream', 'swarmlogs.ordinal'].map((name) => ({ [name]: 'desc' }))
const NEWEST = { sort: [{ '@timestamp': { order: 'desc', format: 'strict_date_optional_time_nanos' } }, ...SORT] }
const GREP = 'ction refu'
let asked = 0

/** One question: the path of our API, and the bodies of the bare requests; `since` is another one each time. */
interface Case {
  readonly name: string
  readonly path: (since: string) => string
  readonly bare: (since: string) => Promise<void>
  readonly rounds: number
  /** All lines in one answer, not a page of them. */
  readonly isWhole?: boolean
}

const elastic = await startElastic({ isMeasured: true })
const [url = ''] = elastic.urls
try {
  await withFolder(async (folder) => {
    const ours = await serverOf(14_381, ['--elasticsearch', url, '--elasticsearch-replicas', '0'], folder, 'elastic')
    const embedded = await serverOf(14_383, ['--data', join(folder, 'data')], folder, 'embedded')
    await elastic.call('POST', `/${PREFIX}-2*/_refresh`)
    for (const one of cases()) await compare(one)
    await ours.end('SIGTERM')
    await embedded.end('SIGTERM')
  })
} finally {
  await elastic.stop()
}

function cases(): Case[] {
  // The filled lines end a moment ago; both sides get the same times.
  const lately = new Date(Date.now() - 600_000).toISOString()
  const from = (since: string): object => ({ range: { '@timestamp': { gte: since } } })
  const web = [{ term: { 'service.name': 'web' } }]
  const recent = [...web, from(lately)]
  const levels = { terms: { field: 'log.level', missing: '' } }
  const time = { date_histogram: { field: '@timestamp', fixed_interval: '60s', min_doc_count: 1 } }
  const aggs = { time: { ...time, aggs: { levels } } }
  const newest = { size: 100, _source: MEMBERS, ...NEWEST }
  // In a line, not as a word of it.
  const within = [{ wildcard: { message: '*refused*' } }]
  const text = [...web, { wildcard: { message: '*ction' } }, { prefix: { message: 'refu' } }]
  return [
    {
      name: 'newest 100 of a service in 10 minutes',
      path: () => `search?service=web&since=${lately}&order=desc&limit=100`,
      bare: () => ask({ ...newest, query: { bool: { filter: recent } } }),
      rounds: ROUNDS,
    },
    {
      name: 'newest 100 with a text',
      path: () => 'search?grep=refused&order=desc&limit=100',
      bare: () => ask({ ...newest, query: { bool: { filter: within } } }),
      rounds: ROUNDS,
    },
    {
      name: 'count of the lines with a text',
      path: (since) => `count?grep=refused&since=${since}`,
      bare: (since) => ask({ size: 0, track_total_hits: true, query: { bool: { filter: [...within, from(since)] } } }),
      rounds: ROUNDS,
    },
    {
      name: `all with "${GREP}"`,
      path: () => `search?service=web&grep=${encodeURIComponent(GREP)}`,
      bare: () => askAll({ _source: MEMBERS, ...NEWEST, query: { bool: { filter: text } } }),
      rounds: 3,
      isWhole: true,
    },
    {
      name: 'histogram of an hour by level',
      path: (since) => `histogram?service=web&interval=60s&by=level&since=${since}`,
      bare: (since) => ask({ size: 0, aggs, query: { bool: { filter: [...web, from(since)] } } }),
      rounds: ROUNDS,
    },
  ]
}

async function compare({ name, path, bare, rounds, isWhole = false }: Case): Promise<void> {
  const accept = isWhole ? 'application/x-ndjson' : 'application/json'
  const through = (port: number) => (since: string) =>
    read(`http://127.0.0.1:${port}/api/v1/${path(since)}`, { headers: { accept } })
  const works = [bare, through(14_381), through(14_383)]
  const times: number[][] = works.map(() => [])
  for (let round = 0; round <= rounds; round++) {
    for (const [index, work] of works.entries()) {
      const since = `2001-01-01T00:00:00.${String(++asked).padStart(9, '0')}Z`
      const started = performance.now()
      await work(since)
      // The first round warms up.
      if (round > 0) times[index]?.push(performance.now() - started)
    }
  }
  const [theirs = 0, ours = 0, embedded = 0] = times.map((values) => quantile(values, 0.5))
  const figures = `${ours.toFixed(1)} ms / ${theirs.toFixed(1)} ms; embedded store ${embedded.toFixed(1)} ms`
  report(`${name}, ours / bare`, `${(ours / theirs).toFixed(2)} (${figures})`, 'at most 1.3')
}

async function serverOf(port: number, args: readonly string[], folder: string, name: string): Promise<Program> {
  const [listen, forward] = [`127.0.0.1:${port}`, `127.0.0.1:${port + 1}`]
  const data = args.includes('--data') ? [] : ['--data', join(folder, name)]
  const program = await startProgram(['server', '--listen', listen, '--forward', forward, ...args, ...data])
  await fill(forward, { containers: 24, lines: LINES })
  await eventually('all lines stored', 300_000, async () => {
    const answer: unknown = await (await fetch(`http://${listen}/api/v1/count?service=web`)).json()
    return Object(answer).records === LINES
  })
  return program
}

async function ask(body: object): Promise<void> {
  await post({ track_total_hits: false, ...body })
}

async function askAll(body: object): Promise<void> {
  for (let after: unknown; ; ) {
    const page = await post({
      size: 5_000,
      track_total_hits: false,
      ...body,
      ...(after !== undefined && { search_after: after }),
    })
    if (page.length < 5_000) return
    after = page.at(-1)?.sort
  }
}

async function post(body: object): Promise<readonly { readonly sort?: unknown }[]> {
  const path = `${url}/${PREFIX}-2*/_search?request_cache=false`
  const answer = await read(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return Object(Object(answer).hits).hits ?? []
}

async function read(path: string, init: RequestInit = {}): Promise<unknown> {
  const response = await fetch(path, init)
  const text = await response.text()
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text.slice(0, 300)}`)
  const isLines = response.headers.get('content-type')?.includes('ndjson')
  return isLines ? text.split('\n').map((line) => line !== '' && JSON.parse(line)) : JSON.parse(text)
}
