import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Bulk } from '../../../server/store/elasticsearch/bulk.ts'
import { Freshness } from '../../../server/store/elasticsearch/freshness.ts'
import { Gaps } from '../../../server/store/elasticsearch/gaps.ts'
import { Health } from '../../../server/store/elasticsearch/health.ts'
import { Indices } from '../../../server/store/elasticsearch/indices.ts'
import { Insist } from '../../../server/store/elasticsearch/insist.ts'
import { Names } from '../../../server/store/elasticsearch/names.ts'
import { Requests } from '../../../server/store/elasticsearch/requests.ts'
import { type Elastic, startElastic } from '../../lab/elastic.ts'
import { dropAll } from './elasticsearch.ts'
import { gapOf, NOON, WEB } from './records.ts'

let elastic: Elastic
beforeAll(async () => {
  elastic = await startElastic()
})
afterAll(async () => {
  await elastic.stop()
})

describe('gaps in Elasticsearch', () => {
  const log = pino({ level: 'silent' })
  let prefix: string
  let requests: Requests
  beforeEach(() => {
    prefix = `test-${randomBytes(6).toString('hex')}`
    requests = new Requests({ urls: elastic.urls })
  })
  afterEach(async () => {
    await requests.close()
    await dropAll(elastic.urls[0] ?? '', prefix)
  })
  const open = (maxGaps: number): Gaps => {
    const health = new Health(log)
    const insist = new Insist(health, new AbortController().signal)
    const names = new Names(prefix)
    const indices = new Indices(requests, names, { urls: elastic.urls, retentionMs: 86_400_000, replicas: 0, log })
    const bulk = new Bulk({ requests, insist, health, indices })
    return new Gaps({ requests, insist, log, maxGaps, names, freshness: new Freshness(requests), bulk, indices })
  }
  const manyOf = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      gapOf(WEB, { from: NOON + BigInt(index) * 10n, to: NOON + BigInt(index) * 10n + 5n }),
    )

  it('beyond the bound become one with their neighbours, and cover what they covered', async () => {
    const gaps = open(3000)
    await gaps.append(manyOf(5000))
    const left = await gaps.in({})
    expect(left.length).toBeLessThanOrEqual(3000)
    expect(left.reduce((sum, { atLeast }) => sum + atLeast, 0)).toBe(5000)
    expect(left[0]).toEqual(gapOf(WEB, { to: NOON + 35n, atLeast: 4 }))
  })

  it('are found in pages, in order to the nanosecond, by every server, and go when their time is over', async () => {
    const [gaps, other] = [open(9000), open(9000)]
    const told = manyOf(4500)
    await gaps.append(told.toReversed())
    expect(await gaps.in({})).toEqual(told)
    await expect.poll(() => other.in({}), { timeout: 20_000 }).toHaveLength(4500)
    expect(await gaps.in({ since: NOON + 15n, until: NOON + 31n })).toEqual(told.slice(1, 4))
    await gaps.expire(NOON + 44_965n)
    expect(await gaps.in({})).toEqual(told.slice(4496))
  })
})
