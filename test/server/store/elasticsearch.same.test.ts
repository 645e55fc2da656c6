import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Query } from '../../../server/query/query.ts'
import { HISTOGRAM_KEYS, type HistogramWish } from '../../../server/store/histogram.ts'
import { openStore } from '../../../server/store/open.ts'
import type { Store } from '../../../server/store/store.ts'
import type { Expression } from '../../../shared/query/ast.ts'
import type { LogRecord, StoredRecord } from '../../../shared/record.ts'
import { type Elastic, startElastic } from '../../lab/elastic.ts'
import { expressions } from '../../shared/query/expressions.ts'
import { openElastic } from './elasticsearch.ts'
import { collect, DAY, NOON, queryOf, recordOf, SECOND, type StoreUnderTest, streamOf } from './records.ts'
import { readable } from './tallies.ts'

const MONTH_MS = 30 * 86_400_000
const FOREIGN_ORDINALS = 2 ** 31
const FIELDS = [
  '',
  '{"a":1}',
  '{"a":"x","b.c":true}',
  '{"a": 1}',
  '{"2":1,"1":2}',
  '{"":"","d":{"e":null}}',
  '{"k":1.0}',
  'text',
]
const ROUNDS = Number(process.env.TEST_ROUNDS ?? 4)
const QUERIES = 60
const TALLIES = 30

const nodes = ['node1', 'node2', 'nöde', '']
const streams = ['a', 'b', 'ab', 'é', '\ufeffz', '😀', 'B', ' c'].map((id, index) =>
  streamOf(id, {
    nodeId: nodes[index % 4] ?? '',
    nodeName: `worker-${index % 3}`,
    containerId: `c${id}`,
    taskId: index % 3 === 2 ? '' : `task-${id}`,
    service: `s${index % 3}`,
    tag: index === 7 ? 'tag' : '',
    attributes: index === 1 ? { key: id } : {},
  }),
)
const now = BigInt(Date.now()) * 1_000_000n
const times = [
  ...[0n, 0n, 0n, 1n, 2n, 999_999_999n, SECOND, -1n, DAY, -DAY, -DAY / 2n, DAY / 2n - 1n, DAY / 2n].map(
    (d) => NOON + d,
  ),
  ...[now + 7_200n * SECOND, now + 7_201n * SECOND, -5n, 0n, 3n, now + 90n * DAY, 2n ** 63n],
]

const word = fc.constantFrom(
  ...[
    'error',
    'ERROR',
    'connection',
    'refused',
    'İstanbul',
    'ΣΑΣ',
    'ſtraße',
    '日本語',
    '10.0.0.1',
    'a_b',
    'x'.repeat(1200),
    '👍',
    'K',
    'Ошибка',
    'é',
  ],
)
const glue = fc.constantFrom(' ', '', '=', '.', ',', '"', '\t', '\0', '\u00a0', '\u0301', '\r', '-', ':', '_', '/')
/** Longer texts are refused. */
const short = word.map((text) => text.slice(0, 512))
/** What parsed queries ask for: what is in the lines, the labels and the fields. */
const asked = expressions({
  texts: fc.oneof(
    short,
    short.map((text) => text.slice(1)),
    fc.constantFrom('1', 'x', '', 's1', 'node1', 'ca'),
  ),
  patterns: word.map((text) => `*${text.slice(0, 4)}*`),
  regexes: fc.constantFrom('^e', 'r+o', '[0-9]+', 'é$', '.', '^$', 'con.*ion'),
  numbers: fc.constantFrom(0, 1, 2, -1, 1.5),
  fields: fc.constantFrom('b.c', '1', '2', 'none'),
})
/** The same of fields that stand in texts as server/parse writes none: all stores read them alike. Few of many random questions would ask it. */
const askedOfOdd: readonly Expression[] = ['a', '', 'd', 'e', 'k'].flatMap((name): Expression[] => {
  const field = { kind: 'field', name } as const
  const equals = { op: 'compare', field, by: '=', isExact: false } as const
  return [
    { op: 'exists', field },
    { ...equals, value: 1 },
    { ...equals, value: '1' },
    { ...equals, by: '>', value: 0 },
    { op: 'regex', field, source: '[0-9]', isInsensitive: false },
  ]
})

const message = fc.oneof(
  { weight: 6, arbitrary: fc.array(fc.tuple(word, glue), { maxLength: 5 }).map((parts) => parts.flat().join('')) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.toWellFormed()) },
  { weight: 1, arbitrary: fc.constantFrom('', '\n', 'long '.repeat(5_000), `${'y'.repeat(20_000)}End`) },
)
const content = fc.record({
  message,
  level: fc.constantFrom('' as const, 'error' as const, 'info' as const),
  fields: fc.constantFrom(...FIELDS),
  cutFrom: fc.constantFrom(0, 2_000_000),
})

/** Lines of one container, source and time, as Docker holds them. */
const group = fc.record({
  stream: fc.constantFrom(...streams),
  source: fc.constantFrom('stdout' as const, 'stderr' as const),
  time: fc.constantFrom(...times),
  lines: fc.array(content, { minLength: 1, maxLength: 4 }),
})
type Group = typeof group extends fc.Arbitrary<infer T> ? T : never

const world = fc.uniqueArray(group, {
  selector: ({ stream, source, time }) => `${stream.containerId} ${source} ${time}`,
  minLength: 60,
  maxLength: 120,
})
/** What an append reads of them: which groups, and how many lines at the head of each are rotated away. */
const reads = fc.array(fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 0, 0, 1, 2)), { minLength: 1, maxLength: 25 }), {
  minLength: 4,
  maxLength: 8,
})

function appendsOf(
  groups: readonly Group[],
  chosen: readonly (readonly (readonly [number, number])[])[],
): LogRecord[][] {
  return chosen.map((choice, append) => {
    let index = 0
    return choice.flatMap(([number, skip]) => {
      const { stream, source, time, lines } = groups[number % groups.length] ?? lost()
      const isForeign = stream.tag !== ''
      const chunk = isForeign && append % 3 > 0 ? `chunk ${append}` : ''
      return lines.slice(skip).map((line, ordinal) => {
        const place = isForeign ? { chunk, ordinal: index++ } : { ordinal, headMissing: skip > 0 }
        return recordOf(stream, { source, time, ...line, ...place })
      })
    })
  })
}

function lost(): never {
  throw new Error('BUG: there is a group for each number')
}

const filter = fc.record(
  {
    services: fc.subarray(['s0', 's1', 's?']),
    tasks: fc.subarray(['task-a', 'shop_b']),
    nodes: fc.subarray(['node1', 'worker-*', 'nöde']),
    containers: fc.subarray(['ca', 'c?', 'cé']),
    sources: fc.subarray<'stdout' | 'stderr'>(['stdout', 'stderr']),
  },
  { requiredKeys: [] },
)

let elastic: Elastic
let dir: string
let embedded: Store
let under: StoreUnderTest
beforeAll(async () => {
  elastic = await startElastic()
})
afterAll(async () => {
  await elastic.stop()
})

describe('Elasticsearch and the embedded store', () => {
  it('give the same answers to the same questions about the same lines', { timeout: ROUNDS * 20_000 }, async () => {
    for (let seed = 1; seed <= ROUNDS; seed++) {
      dir = await mkdtemp(join(tmpdir(), 'swarmlogs-same-'))
      embedded = await openStore({
        dir,
        retentionMs: MONTH_MS,
        lockWaitMs: 0,
        log: pino({ level: 'silent' }),
      })
      under = await openElastic(elastic.urls[0] ?? '')
      try {
        await compare(seed)
      } finally {
        await embedded.close()
        await rm(dir, { recursive: true })
        await under.destroy()
      }
    }
  })
})

async function compare(seed: number): Promise<void> {
  const [groups = []] = fc.sample(world, { seed, numRuns: 1 })
  const [chosen = []] = fc.sample(reads, { seed, numRuns: 1 })
  const batches = appendsOf(groups, chosen)
  const sent = [...batches, ...batches.slice(0, 2)]
  const commits = await Promise.all([feed(embedded, sent), feed(under.store, sent)])
  const stored = await Promise.all([collect(embedded), collect(under.store)])
  expect(plain(stored[1], commits[1])).toEqual(plain(stored[0], commits[0]))
  expect(byLabels(await under.store.streams())).toEqual(byLabels(await embedded.streams()))
  expect(under.store.status().begins).toBe(embedded.status().begins)
  // Most questions of many parts have few answers, so queries are asked alone, too.
  const queries = [...askedOfOdd, ...fc.sample(asked, { seed, numRuns: QUERIES })].map((where) => ({
    query: queryOf({}, { where }),
    ...WHOLE,
  }))
  for (const question of [...fc.sample(questionOf(stored[0]), { seed, numRuns: QUERIES }), ...queries]) {
    const answers = await Promise.all(
      [embedded, under.store].map(async (store, index) =>
        plain(await collect(store, withCommits(question, commits[index] ?? [], stored, index)), commits[index] ?? []),
      ),
    )
    expect(
      answers[1],
      JSON.stringify(question.query, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
    ).toEqual(answers[0])
  }
  for (const { question, wish } of fc.sample(tallyOf(stored[0]), { seed, numRuns: TALLIES })) {
    const [mine, theirs] = await Promise.all(
      [embedded, under.store].map(async (store, index) => {
        const scope = withCommits(question, commits[index] ?? [], stored, index)
        return [await store.count(scope), readable(await store.histogram(scope, wish))]
      }),
    )
    expect(theirs).toEqual(mine)
  }
  const format = { timestamps: true, prefix: ({ service }: LogRecord['stream']) => `${service} | ` }
  const [first, second] = await Promise.all([embedded, under.store].map((store) => printed(store, format)))
  expect(second).toBe(first)
}

interface Question {
  readonly query: Query
  readonly after: number | undefined
  readonly from: number | undefined
  readonly to: number | undefined
}

/** No place or commit bounds the answer. */
const WHOLE = { after: undefined, from: undefined, to: undefined }

function questionOf(records: readonly StoredRecord[]): fc.Arbitrary<Question> {
  const part = fc
    .tuple(fc.constantFrom(...records), fc.nat(), fc.integer({ min: 1, max: 30 }), fc.boolean())
    .map(([{ message: text }, at, length, isUpper]) => {
      const start = text.length === 0 ? 0 : at % text.length
      const grep = text.slice(start, start + length).replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '')
      return isUpper ? grep.toUpperCase() : grep
    })
  const time = fc.constantFrom(...times, ...times.map((at) => at + 1n))
  const query = fc.record(
    {
      order: fc.constantFrom('asc' as const, 'desc' as const),
      since: time,
      until: time,
      limit: fc.integer({ min: 1, max: 60 }),
      newest: fc.integer({ min: 0, max: 40 }),
      perTask: fc.boolean(),
    },
    { requiredKeys: ['order'] },
  )
  const maybe = fc.option(fc.nat(), { nil: undefined })
  return fc
    .tuple(query, filter, fc.option(part, { nil: '' }), fc.option(asked), maybe, maybe, maybe)
    .map(([wanted, chosen, grep, where, after, from, to]) => {
      const condition = where === null ? { grep } : { where }
      return { query: queryOf(wanted, { ...chosen, ...condition }), after, from, to }
    })
}

function tallyOf(records: readonly StoredRecord[]): fc.Arbitrary<{ question: Question; wish: HistogramWish }> {
  const interval = fc.constantFrom(1n, 1_000_000n, 7_000_000n, SECOND, 3_600n * SECOND, DAY, 400n * DAY)
  const wish = fc.record({ interval, by: fc.constantFrom(...HISTOGRAM_KEYS) })
  return fc.record({ question: questionOf(records), wish })
}

/** The commits and places that a question names by number, as the store at `index` knows them. */
function withCommits(
  { query, after, from, to }: Question,
  commits: readonly bigint[],
  stored: readonly (readonly StoredRecord[])[],
  index: number,
): Query {
  const last = after === undefined ? undefined : stored[index]?.at(after % (stored[index]?.length ?? 1))
  const receivedAfter = from === undefined ? undefined : commits[from % commits.length]
  const receivedUpTo = to === undefined ? undefined : commits[to % commits.length]
  return {
    ...query,
    ...(last && { after: { ...last, ...last.stream } }),
    ...(receivedAfter !== undefined && { receivedAfter }),
    ...(receivedUpTo !== undefined && { receivedUpTo }),
  }
}

/** The commits; what stores nothing is none, and its number may be the next one's, too. */
async function feed(store: Store, sent: readonly (readonly LogRecord[])[]): Promise<bigint[]> {
  const commits: bigint[] = []
  for (const batch of sent) {
    const { stored, received } = await store.append(batch)
    if (stored.length > 0) commits.push(received)
  }
  return commits
}

/** What two stores must agree on: a commit goes by its number, and a foreign line's ordinal is each store's own. */
function plain(records: readonly StoredRecord[] | undefined, commits: readonly bigint[]): unknown[] {
  return (records ?? []).map(({ received, ordinal, ...rest }) => ({
    ...rest,
    commit: commits.indexOf(received),
    ...(ordinal < FOREIGN_ORDINALS && { ordinal }),
  }))
}

function byLabels(summaries: Awaited<ReturnType<Store['streams']>>): unknown[] {
  return summaries.toSorted((a, b) => (JSON.stringify(a.stream) < JSON.stringify(b.stream) ? -1 : 1))
}

async function printed(store: Store, format: Parameters<Store['print']>[1]): Promise<string> {
  let text = ''
  for await (const runs of store.print(queryOf(), format)) for (const run of runs) text += run.text
  return text
}
