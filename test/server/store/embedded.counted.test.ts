import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lineMatches, streamMatches } from '../../../server/query/filter.ts'
import type { Filter, Scope } from '../../../server/query/query.ts'
import { GramFile } from '../../../server/store/embedded/grams/file.ts'
import { groupOf, packCounts } from '../../../server/store/embedded/grams/word-counts.ts'
import { EmbeddedStore } from '../../../server/store/embedded/store.ts'
import type { HistogramKey } from '../../../server/store/histogram.ts'
import { parseQuery } from '../../../shared/query/parse.ts'
import { LEVELS, type LogRecord } from '../../../shared/record.ts'
import { ALL, collect, DAY, NOON, queryOf, recordOf, SECOND, streamOf } from './records.ts'
import { plainFacets, plainHistogram, readable, readableFacets } from './tallies.ts'

const LINES = 32_000
const DAY_MS = 86_400_000
/** A line each so often: in all they take some eight hours. */
const STEP = (SECOND * 9n) / 10n
const START = NOON - DAY
const STREAMS = ['web', 'api', 'db'].map((name, index) => streamOf(name, { nodeId: `node${index}` }))
const TEXTS = [
  'connection refused',
  'connect ECONNREFUSED',
  'Refused by peer',
  'request done',
  'deadbeef',
  'all is well',
]

let dir: string
let store: EmbeddedStore
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'swarmlogs-counted-'))
  store = await start()
})
afterEach(async () => {
  await store.close()
  await rm(dir, { recursive: true, force: true })
})

async function fill(messageOf?: (index: number) => string | undefined): Promise<void> {
  const lines = Array.from({ length: LINES }, (_, index) => lineOf(index, messageOf?.(index)))
  for (let at = 0; at < LINES; at += 4_000) await store.append(lines.slice(at, at + 4_000))
  await store.indexed()
}

async function start(): Promise<EmbeddedStore> {
  const log = pino({ level: 'silent' })
  return EmbeddedStore.open({ dir, retentionMs: 30 * DAY_MS, lockWaitMs: 0, archive: { afterMs: DAY_MS / 2 }, log })
}

function lineOf(index: number, other?: string): LogRecord {
  const stream = STREAMS[(index * 7) % 3] ?? STREAMS[0]
  if (stream === undefined) throw new Error('BUG: no stream')
  const source = index % 5 === 0 ? 'stderr' : 'stdout'
  const level = index % 4 === 0 ? '' : (LEVELS[(index * 13) % LEVELS.length] ?? '')
  const message = other ?? `${TEXTS[(index * 31) % TEXTS.length]} ${index}`
  // Lines come somewhat out of order, eight have the same time, and some of these are of the next block.
  const time = START + BigInt(((index ^ 3) + 5) >> 3) * 8n * STEP
  return recordOf(stream, { source, level, message, time, ordinal: index & 7 })
}

const filter = (query: string, more: Partial<Filter> = {}): Filter => ({ ...ALL, where: parseQuery(query), ...more })

const SCOPES: readonly (readonly [string, Scope])[] = [
  ['a word', { filter: { ...ALL, grep: 'Refused' } }],
  ['the same in the query', { filter: filter('refused') }],
  ['a part of two words of a line', { filter: filter('CONN') }],
  [
    'a word of some streams, levels, sources',
    { filter: filter('refused (service:web OR node:node2) level>=warn -source:stderr') },
  ],
  [
    'a word of chosen services and sources',
    { filter: { ...ALL, grep: 'refused', services: ['shop_*'], sources: ['stderr'] } },
  ],
  ['what stands in no word', { filter: filter('deadbeef') }],
  ['two words', { filter: filter('refused peer') }],
  ['one word without another', { filter: filter('refused -peer') }],
  ['a word in capitals', { filter: filter('"ECONN"c') }],
  ['a word from a time on', { filter: filter('refused'), since: START + 3_333n * SECOND }],
  ['a word between times', { filter: filter('refused'), since: START + 10n * SECOND, until: START + 20_000n * SECOND }],
  ['a word that no line has', { filter: filter('quarantine') }],
]

async function expectRight(): Promise<void> {
  const all = await collect(store, queryOf())
  expect(all.length).toBe(LINES)
  const half = all.map(({ received }) => received).sort((a, b) => (a < b ? -1 : 1))[LINES / 2] ?? 0n
  const scopes = [...SCOPES, ['what had come by then', { filter: filter('refused'), receivedUpTo: half }] as const]
  for (const [name, scope] of scopes) {
    const { since = 0n, until = 2n ** 62n, receivedUpTo = 2n ** 62n } = scope
    const found = all.filter(
      (line) =>
        line.time >= since &&
        line.time < until &&
        line.received <= receivedUpTo &&
        streamMatches(scope.filter, line.stream) &&
        lineMatches(scope.filter, line),
    )
    expect(await store.count(scope), name).toBe(found.length)
    expect(readableFacets(await store.facets(scope)), name).toEqual(plainFacets(found))
    for (const by of ['none', 'level', 'source', 'service'] satisfies HistogramKey[]) {
      for (const interval of [7_200n * SECOND, 60n * SECOND]) {
        const wish = { by, interval, origin: START + 100n * SECOND }
        expect(readable(await store.histogram(scope, wish)), `${name} by ${by}`).toEqual(plainHistogram(found, wish))
      }
    }
  }
}

/** Says of each block with counts that it has one line with `refused`, of the first stream. */
async function changeCounts(path: string): Promise<void> {
  const file = new GramFile(path)
  await file.load(
    async () => true,
    async () => {},
  )
  const blocks = file.blocks
  await rm(path)
  file.forget()
  const counts = packCounts(new Map([['refused', new Map([[groupOf(1, 0, 1), 1]])]]))
  for (const block of blocks) await file.append(block, { signature: new Uint8Array(), capitals: [] }, counts)
}

async function gramFile(): Promise<string> {
  const name = (await readdir(join(dir, 'segments'))).find((one) => one.endsWith('.grams'))
  return join(dir, 'segments', name ?? 'none')
}

describe('lines with a word', () => {
  it('are counted right, by whatever, in whatever range', { timeout: 120_000 }, async () => {
    await fill()
    await expectRight()
    await store.runSealing(Date.now() + 2 * DAY_MS)
    expect(await readdir(join(dir, 'archive'))).toHaveLength(2)
    await store.indexed()
    await expectRight()
  })

  it('are counted right where some blocks have no counts', { timeout: 120_000 }, async () => {
    await fill((index) => {
      if (index === 5_000) return `${'x'.repeat(9_000)} refused`
      if (index === 15_000) return 'İzmir \u212aelvin refused'
      return index % 1_000 === 7 ? `connection\nrefused\u001f refused by \n ${index}` : undefined
    })
    await expectRight()
    await store.runSealing(Date.now() + 2 * DAY_MS)
    await store.indexed()
    await expectRight()
  })

  it('are counted right when the counts are damaged, and these are made anew', async () => {
    await fill()
    const path = await gramFile()
    const bytes = await readFile(path)
    await writeFile(path, bytes.with(-3, (bytes.at(-3) ?? 0) ^ 4))
    const all = await collect(store, queryOf({}, filter('refused')))
    expect(await store.count({ filter: filter('refused') })).toBe(all.length)
    await store.append([lineOf(LINES)])
    await store.indexed()
    expect(await readFile(path)).toEqual(bytes)
  })

  it('are counted by the index of words where it can be, else by what is read', async () => {
    await fill()
    await store.close()
    await changeCounts(await gramFile())
    store = await start()
    await store.indexed()
    // Three blocks have one line each, by what the index says now.
    const first = await store.count({ filter: filter('refused'), until: START + 9_220n * SECOND })
    // And of the second what has the same time as the last lines of the first.
    expect(first).toBeGreaterThan(0)
    expect(first).toBeLessThan(1 + 8)
    const count = await store.count({ filter: filter('refused') })
    expect(count).toBeGreaterThan(3)
    expect(count).toBeLessThan(LINES - 3 * 10_240)
    expect(await store.count({ filter: filter('by peer refused') })).toBe(Math.round(LINES / TEXTS.length))
  })
})
