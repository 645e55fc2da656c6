/*
 * What archiving days costs and gives: node test/bench/archive.ts [millions of lines a day, 10] [days, 1] [FOLDER]
 * Seals all days while a query runs again and again, then asks the archive what was asked of the hot store before, beside zstdgrep over
 * the same lines in one compressed file. A folder that is given is filled once and kept; the archive is made of a copy. Needs zstd.
 */
import { execFile } from 'node:child_process'
import { cp, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { EVERYTHING, type Filter, type Query } from '../../server/query/query.ts'
import { EmbeddedStore } from '../../server/store/embedded/store.ts'
import { folderBytes, quantile, report, residentMb, withFolder } from './measure.ts'
import { type Filled, filled } from './search-lines.ts'

const DAYS = Number(process.argv[3] ?? 1)
const LINES = Number(process.argv[2] ?? 10) * 1e6 * DAYS
const HOUR = 3_600_000_000_000n
const MONTH_MS = 30 * 86_400_000
const ROUNDS = 5
const run = promisify(execFile)

const folder = process.argv[4]
await withFolder(async (own) => measure(await filled(folder ?? own, LINES, DAYS), join(own, 'copy')))

async function measure(files: Filled, dir: string): Promise<void> {
  await cp(files.store, dir, { recursive: true })
  const hot = await open(dir)
  await hot.indexed()
  const before = await asked(hot)
  await seal(hot)
  const archived = await hot.archive.list()
  const bytes = archived.reduce((sum, day) => sum + day.bytes, 0)
  const message = (await stat(files.plain)).size - LINES
  await hot.close()
  report('archive, bytes for a byte of message', (bytes / message).toFixed(3), 'at most 0.25')
  report('hot store, bytes for a byte of message', ((await folderBytes(files.store)) / message).toFixed(3), 'none')
  const cold = await open(dir)
  await cold.indexed()
  const after = await asked(cold)
  await cold.close()
  // What finds nothing ends with 1.
  const grep = await timed(() => run('zstdgrep', ['-i', 'killed process', files.packed]).catch(() => {}))
  for (const [name, { first, best, found }] of after) {
    const own = before.get(name)
    if (own?.found !== found) throw new Error(`${name}: ${own?.found} were found hot, ${found} archived`)
    const beside = name === 'a rare word' ? `; zstdgrep ${grep.toFixed(0)} ms` : ''
    report(
      name,
      `${best.toFixed(0)} ms, at first ${first.toFixed(0)} ms; hot ${own.best.toFixed(0)} ms${beside}`,
      'near the hot',
    )
  }
}

async function seal(store: EmbeddedStore): Promise<void> {
  const started = performance.now()
  const times: number[] = []
  let [isDone, peak] = [false, 0]
  const sealed = store.runSealing(Date.now() + MONTH_MS).finally(() => {
    isDone = true
  })
  while (!isDone) {
    times.push(await timed(() => find(store, { services: ['app3'] }, { order: 'desc', limit: 100 })))
    peak = Math.max(peak, await residentMb(process.pid))
    await delay(100)
  }
  await sealed
  const rate = LINES / ((performance.now() - started) / 1000)
  report('sealing, lines a second', rate.toFixed(0), 'none')
  report('sealing, peak of memory with the bench itself', `${peak.toFixed(0)} MB`, 'under 1024 MB')
  const [half, most] = [quantile(times, 0.5), quantile(times, 0.99)]
  report('last 100 of a service meanwhile', `p50 ${half.toFixed(0)} ms, p99 ${most.toFixed(0)} ms`, 'none')
}

/** How long each question took at first, and at best after that, in ms, and how much it found. */
async function asked(store: EmbeddedStore) {
  const { begins = 0n } = store.status()
  const middle = begins + (BigInt(DAYS) * 24n * HOUR) / 2n
  const questions: readonly (readonly [string, () => Promise<number>])[] = [
    ['a rare word', () => find(store, { grep: 'killed process' }, { order: 'desc' })],
    [
      'last 100 of a service at a time',
      () => find(store, { services: ['app3'] }, { order: 'desc', until: middle, limit: 100 }),
    ],
    [
      'histogram by level',
      async () => (await store.histogram({ filter: EVERYTHING }, { interval: HOUR, by: 'level' })).length,
    ],
  ]
  const answers = new Map<string, { first: number; best: number; found: number }>()
  for (const [name, ask] of questions) {
    let found = 0
    const times: number[] = []
    for (let round = 0; round <= ROUNDS; round++)
      times.push(
        await timed(async () => {
          found = await ask()
        }),
      )
    const [first = 0, ...others] = times
    answers.set(name, { first, best: Math.min(...others), found })
  }
  return answers
}

async function find(store: EmbeddedStore, filter: Partial<Filter>, query: Omit<Query, 'filter'>): Promise<number> {
  let found = 0
  for await (const batch of store.search({ ...query, filter: { ...EVERYTHING, ...filter } })) found += batch.length
  return found
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

function open(dir: string): Promise<EmbeddedStore> {
  return EmbeddedStore.open({ dir, retentionMs: MONTH_MS, archive: { afterMs: 0 }, log: pino({ level: 'warn' }) })
}
