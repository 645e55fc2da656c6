/*
 * What searches of the embedded store take, beside ripgrep and zstdgrep over the same lines in one plain, and one compressed, file, all of
 * them cached: node test/bench/search.ts [millions of lines, 10] [FOLDER [elasticsearch]]
 * A folder that is given is filled once and kept (10 M lines: 2 GB). Needs ripgrep and zstd. With `elasticsearch` the same questions are asked
 * of the same lines there, too, which takes a minute more for a million lines.
 */
import { execFile } from 'node:child_process'
import { open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { pino } from 'pino'
import type { Filter, Query } from '../../server/query/query.ts'
import { greater } from '../../server/store/bigint.ts'
import { EmbeddedStore } from '../../server/store/embedded/store.ts'
import type { Store } from '../../server/store/store.ts'
import { folderBytes, quantile, report, withFolder } from './measure.ts'
import { inElastic } from './search-elastic.ts'
import { type Filled, filled } from './search-lines.ts'

const LINES = Number(process.argv[2] ?? 10) * 1e6
const ALL: Filter = { services: [], stacks: [], tasks: [], nodes: [], containers: [], sources: [], grep: '' }
const MINUTE = 60_000_000_000n
const DAY = 1440n * MINUTE
const run = promisify(execFile)

/** One question to the store, beside what others take for theirs: arguments of rg and of zstdgrep. */
interface Case {
  readonly name: string
  readonly ours: () => Promise<number>
  readonly rounds: number
  readonly rg?: readonly string[]
  readonly zstdgrep?: readonly string[]
  /** The same of Elasticsearch. */
  readonly elastic?: (() => Promise<number>) | undefined
  /** How much of rg's time at most. */
  readonly share?: number
  /** Milliseconds at most. */
  readonly ms?: number
}

const [, , , folder, also] = process.argv
if (folder === undefined) await withFolder((own) => measure(own))
else await measure(folder)

async function measure(dir: string): Promise<void> {
  const files = await filled(dir, LINES)
  const store = await EmbeddedStore.open({
    dir: files.store,
    retentionMs: 30 * 86_400_000,
    log: pino({ level: 'warn' }),
  })
  const began = performance.now()
  await store.indexed()
  report('index of words, made or taken over', `${((performance.now() - began) / 1000).toFixed(1)} s`, 'none')
  const [all, grams] = [await folderBytes(files.store), await gramBytes(files.store)]
  report(
    'index of words, share of the disk',
    `${((grams / all) * 100).toFixed(1)} %, ${(grams / LINES).toFixed(1)} bytes a line`,
    'small',
  )
  const elastic = also === 'elasticsearch' ? await inElastic(store) : undefined
  const id = await idIn(files.plain)
  const there = elastic && (await cases(elastic.store, id))
  for (const [index, one] of (await cases(store, id)).entries())
    await compare({ ...one, elastic: there?.[index]?.ours }, files)
  await elastic?.end()
  report('RSS with the bench itself', `${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MB`, 'under 400 MB')
  await store.close()
}

async function cases(store: Store, id: string): Promise<Case[]> {
  const end = (await store.streams()).reduce((newest, { last }) => greater(newest, last), 0n) + 1n
  const day = { since: end - DAY, until: end }
  const find = (filter: Partial<Filter>, query: Partial<Query>) => async () => {
    let found = 0
    for await (const batch of store.search({ order: 'desc', ...day, ...query, filter: { ...ALL, ...filter } }))
      found += batch.length
    return found
  }
  const count = (filter: Partial<Filter>) => () => store.count({ ...day, filter: { ...ALL, ...filter } })
  const page = { limit: 100 }
  const regex = (source: string): Partial<Filter> => ({
    where: { op: 'regex', field: { kind: 'label', name: 'message' }, source, isInsensitive: false },
  })
  const pattern = 'Killed process \\d+ \\(postgres\\)'
  const common = ['-i', '-c', 'refused']
  return [
    {
      name: 'last 100 of a service in 10 minutes',
      ours: find({ services: ['app3'] }, { ...page, since: end - 10n * MINUTE }),
      rounds: 30,
      ms: 10,
    },
    {
      name: 'newest 100 with a common word',
      ours: find({ grep: 'refused' }, page),
      rounds: 15,
      rg: common,
      zstdgrep: common,
      share: 0.1,
    },
    {
      name: 'a rare word',
      ours: find({ grep: 'killed process' }, {}),
      rounds: 7,
      rg: ['-i', 'killed process'],
      zstdgrep: ['-i', 'killed process'],
      share: 1 / 3,
    },
    {
      name: 'a word that no line has',
      ours: find({ grep: 'quarantine' }, {}),
      rounds: 7,
      rg: ['-i', 'quarantine'],
      zstdgrep: ['-i', 'quarantine'],
      share: 1 / 3,
    },
    {
      name: 'an id',
      ours: find({ grep: id }, {}),
      rounds: 7,
      rg: ['-i', id],
      zstdgrep: ['-i', id],
      share: 1 / 3,
    },
    {
      name: 'count of a common word',
      ours: count({ grep: 'refused' }),
      rounds: 5,
      rg: common,
      zstdgrep: common,
      share: 3,
    },
    {
      name: `regex ${pattern}`,
      ours: find(regex(pattern), {}),
      rounds: 5,
      rg: [pattern],
      zstdgrep: ['-E', pattern],
      share: 2,
    },
    {
      name: 'histogram of a day by level',
      ours: async () =>
        (await store.histogram({ ...day, filter: ALL }, { interval: 60n * MINUTE, by: 'level' })).length,
      rounds: 7,
      ms: 200,
    },
  ]
}

async function compare(
  { name, ours, elastic, rounds, rg, zstdgrep, share, ms }: Case,
  { plain, packed }: Filled,
): Promise<void> {
  const times: Record<'ours' | 'elastic' | 'rg' | 'zstd', number[]> = { ours: [], elastic: [], rg: [], zstd: [] }
  let found = 0
  for (let round = 0; round <= rounds; round++) {
    const own = await timed(async () => {
      found = await ours()
    })
    // The first round warms up.
    if (round > 0) times.ours.push(own)
    if (elastic !== undefined) {
      const took = await timed(async () => {
        const there = await elastic()
        if (there !== found) throw new Error(`Elasticsearch finds ${there}, not ${found}`)
      })
      if (round > 0) times.elastic.push(took)
    }
    if (rg !== undefined && round < 5) times.rg.push(await timed(() => grepped('rg', [...rg, plain])))
    if (zstdgrep !== undefined && round < 2)
      times.zstd.push(await timed(() => grepped('zstdgrep', [...zstdgrep, packed])))
  }
  const [own, theirs, slow] = [quantile(times.ours, 0.5), quantile(times.rg, 0.5), quantile(times.zstd, 0.5)]
  const there = elastic === undefined ? '' : `; Elasticsearch ${quantile(times.elastic, 0.5).toFixed(1)} ms`
  const beside =
    rg === undefined
      ? there
      : `${there}; rg ${theirs.toFixed(0)} ms, ${(own / theirs).toFixed(2)} of it; zstdgrep ${slow.toFixed(0)} ms, ${(own / slow).toFixed(2)} of it`
  const wanted = [
    ...(ms === undefined ? [] : [`under ${ms} ms`]),
    ...(share === undefined ? [] : [`at most ${share.toFixed(2)} of rg, 0.33 of zstdgrep`]),
  ]
  report(name, `${own.toFixed(1)} ms, ${found} found${beside}`, wanted.join(', '))
}

/** What finds nothing ends with 1. */
async function grepped(command: string, args: readonly string[]): Promise<void> {
  await run(command, [...args], { maxBuffer: 2 ** 26 }).catch((error: unknown) => {
    if (Object(error).code !== 1) throw error
  })
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/** A trace id that one line in the middle of the file has. */
async function idIn(plain: string): Promise<string> {
  const handle = await open(plain, 'r')
  try {
    const { buffer } = await handle.read(Buffer.alloc(2 ** 16), 0, 2 ** 16, Math.floor((await handle.stat()).size / 2))
    return /traceID=([0-9a-f]{32})/.exec(buffer.toString())?.[1] ?? ''
  } finally {
    await handle.close()
  }
}

async function gramBytes(dir: string): Promise<number> {
  const { stdout } = await run('sh', ['-c', 'cat "$0"/segments/*.grams | wc -c', dir])
  return Number(stdout)
}
