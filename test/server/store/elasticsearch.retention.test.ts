import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Retention } from '../../../server/retention.ts'
import { openParts, type Parts } from '../../../server/store/elasticsearch/parts.ts'
import { count } from '../../../server/store/elasticsearch/tally.ts'
import { type Elastic, startElastic } from '../../lab/elastic.ts'
import { dropAll } from './elasticsearch.ts'
import { DAY, linesOf, NOON, queryOf, recordOf, streamOf } from './records.ts'

const DAY_MS = 86_400_000
const log = pino({ level: 'silent' })
const prefix = `test-${randomBytes(6).toString('hex')}`
const [WEB, DEBUG, AUDIT] = [streamOf('web'), streamOf('debug'), streamOf('audit', { retention: '9d' })]

let elastic: Elastic
let parts: Parts | undefined
beforeAll(async () => {
  elastic = await startElastic()
})
afterEach(async () => {
  await close()
  await dropAll(elastic.urls[0] ?? '', prefix)
})
afterAll(async () => {
  await elastic.stop()
})

/** All lines for five days, but for those of debug (two, by a rule) and audit (nine, by its label). */
async function open(): Promise<Parts> {
  const rules = [{ services: 'shop_debug', ms: 2 * DAY_MS }]
  const retention = new Retention({ defaultMs: 5 * DAY_MS, rules, log })
  retention.learn(() => undefined)
  parts = await openParts({ urls: elastic.urls, prefix, retentionMs: 5 * DAY_MS, retention, replicas: 0, log })
  return parts
}
async function close(): Promise<void> {
  await parts?.writer.drain()
  await parts?.watch.stop(true)
  await parts?.requests.close()
  parts = undefined
}
const counted = ({ counts, streams }: Parts) =>
  Object.fromEntries(counts.summaries(streams).map(({ stream, records }) => [stream.service.slice(5), records]))
/** Lets expire what has so many days after noon of yesterday. */
async function expire({ watch, writer }: Parts, days: bigint): Promise<void> {
  await watch.expire(writer, NOON + days * DAY)
  await watch.thinned()
}

describe('retention by service in Elasticsearch', { timeout: 60_000 }, () => {
  it('deletes the lines of each service of a day at their time; counts agree, also after a start', async () => {
    const first = await open()
    await first.writer.append([...linesOf(WEB, 300), ...linesOf(DEBUG, 6000), ...linesOf(AUDIT, 200)])
    await expire(first, 2n)
    expect(counted(first)).toEqual({ web: 300, debug: 6000, audit: 200 })
    await expire(first, 3n)
    expect(counted(first)).toEqual({ web: 300, audit: 200 })
    expect(await count(first, queryOf())).toBe(500)
    await close()
    const second = await open()
    expect(counted(second)).toEqual({ web: 300, audit: 200 })
    await expire(second, 6n)
    expect([counted(second), await count(second, queryOf())]).toEqual([{ audit: 200 }, 200])
    await close()
    const third = await open()
    await expire(third, 9n)
    expect([...third.counts.indices]).toHaveLength(1)
    await expire(third, 10n)
    expect([...third.counts.indices]).toEqual([])
  })

  it('does not take again what has expired, nor puts elsewhere what has not', async () => {
    const { writer, names, counts } = await open()
    const now = BigInt(Date.now()) * 1_000_000n
    const at = (stream: typeof WEB, days: bigint) => recordOf(stream, { time: now - days * DAY, message: `${days}` })
    const records = [at(DEBUG, 3n), at(DEBUG, 1n), at(WEB, 3n), at(AUDIT, 10n), at(AUDIT, 8n)]
    expect(await writer.append(records)).toMatchObject({ duplicates: 0, stored: { length: 3 } })
    const held = [...counts.indices].filter((index) => counts.records(index) > 0)
    expect(held.map((index) => names.parse(index)?.kind)).toEqual(['lines', 'lines', 'lines'])
    expect(await writer.append(records)).toMatchObject({ duplicates: 3, stored: [] })
  })
})
