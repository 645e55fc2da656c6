import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openElasticStore } from '../../../server/store/elasticsearch/store.ts'
import type { Store } from '../../../server/store/store.ts'
import { type Elastic, startElastic } from '../../lab/elastic.ts'
import { dropAll, openElastic } from './elasticsearch.ts'
import { collect, linesOf, messages, NOON, queryOf, recordOf, type StoreUnderTest, WEB } from './records.ts'

const UNAVAILABLE = expect.objectContaining({ code: 'SWARMLOGS_STORE_UNAVAILABLE' })
const INDEX = `${new Date(Number(NOON / 1_000_000n)).toISOString().slice(0, 10).replaceAll('-', '.')}`

/** What the proxy does with the answer to a request; undefined: hands it on. */
type Fault = ((path: string) => 'cut' | 'html' | undefined) | undefined

let elastic: Elastic
let url: string
let proxy: Server
let fault: Fault
/** Where the cluster keeps snapshots. */
let copies: string
beforeAll(async () => {
  copies = await mkdtemp(join(tmpdir(), 'swarmlogs-copies-'))
  // The cluster runs as nobody.
  await chmod(copies, 0o777)
  elastic = await startElastic({
    settings: { 'http.max_content_length': '1mb', 'action.auto_create_index': false, 'path.repo': [copies] },
  })
  url = elastic.urls[0] ?? ''
  proxy = await startProxy(url)
})
afterAll(async () => {
  proxy.closeAllConnections()
  proxy.close()
  await elastic.stop()
  await rm(copies, { recursive: true, force: true })
})

describe('the store in Elasticsearch', () => {
  let under: StoreUnderTest & { prefix: string }
  const store = (): Store => under.store
  beforeEach(async () => {
    fault = undefined
    under = await openElastic(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`)
  })
  afterEach(async () => {
    fault = undefined
    await under.store.close()
    await dropAll(url, under.prefix)
  })

  it('counts as stored what a request wrote whose answer was lost', async () => {
    const before = linesOf(WEB, 10)
    await store().append(before)
    let cuts = 2
    fault = (path) => (path.includes('/_bulk') && cuts-- > 0 ? 'cut' : undefined)
    const { stored, duplicates } = await store().append([...before, ...linesOf(WEB, 20, { time: NOON + 1n })])
    expect([stored.length, duplicates]).toEqual([20, 10])
    expect(await collect(store())).toHaveLength(30)
  })

  it('goes on after something else than Elasticsearch answered', async () => {
    let pages = 3
    fault = () => (pages-- > 0 ? 'html' : undefined)
    expect((await store().append(linesOf(WEB, 5))).stored).toHaveLength(5)
    expect(await collect(store())).toHaveLength(5)
  })

  it('splits what is too large for a request, and puts aside a line that is too large alone', async () => {
    const lines = linesOf(WEB, 12).map((record) => ({ ...record, message: `${record.message} ${'x'.repeat(100_000)}` }))
    const huge = recordOf(WEB, { time: NOON - 1n, message: 'y'.repeat(1_200_000) })
    const { stored, refused } = await store().append([...lines, huge])
    expect(stored).toHaveLength(12)
    const gap = { stream: WEB, reason: 'refused', from: huge.time, to: huge.time, atLeast: 1, atMost: 1 }
    expect(refused).toEqual([gap])
    expect(await collect(store())).toHaveLength(12)
    expect(store().status().refused).toBe(1)
    const now = BigInt(Date.now()) * 1_000_000n
    const [refusal, ...others] = (await store().refusals?.(10)) ?? []
    expect(others).toEqual([])
    expect(refusal).toMatchObject({ reason: expect.stringContaining('large'), service: WEB.service })
    expect(refusal?.excerpt).toContain('"message":"')
    expect((refusal?.time ?? 0n) > now - 60_000_000_000n && (refusal?.time ?? 0n) <= now).toBe(true)
    const { body } = await elastic.call('GET', `/${under.prefix}-dead-*/_search?q=reason:large`)
    expect(JSON.stringify(body)).toContain('yyyy')
    expect(await store().append([huge])).toMatchObject({ stored: [], duplicates: 1, refused: [gap] })
  })

  it('holds what it was given while an index is read-only, says so, and goes on by itself', async () => {
    await store().append(linesOf(WEB, 3))
    const index = `${under.prefix}-${INDEX}`
    await elastic.call('PUT', `/${index}/_settings`, { 'index.blocks.write': true })
    const pending = store().append(linesOf(WEB, 6))
    await until(() => !store().status().writable)
    expect(store().status().reason).toContain('403')
    await expect(store().append(linesOf(WEB, 9))).rejects.toEqual(UNAVAILABLE)
    expect(await messages(store())).toEqual(['line 0', 'line 1', 'line 2'])
    await elastic.call('PUT', `/${index}/_settings`, { 'index.blocks.write': false })
    expect(await pending).toMatchObject({ duplicates: 3 })
    expect(store().status()).toMatchObject({ writable: true, reason: '' })
  })

  it.each(['', '-meta'])(
    'has lines sent again when others deleted an index (%s)',
    { timeout: 60_000 },
    async (kind) => {
      await store().append(linesOf(WEB, 3))
      // It must have seen what it will miss.
      await under.reopen()
      const { epoch } = store().identity
      await elastic.call('DELETE', `/${under.prefix}${kind || `-${INDEX}`}`)
      await until(() => store().identity.epoch > epoch)
      const { stored } = await store().append(linesOf(WEB, 5))
      expect(stored).toHaveLength(kind === '' ? 5 : 2)
      expect(await collect(store())).toHaveLength(5)
      const raised = store().identity.epoch
      await under.reopen()
      expect(store().identity.epoch).toBe(raised)
      expect(await collect(store())).toHaveLength(5)
    },
  )

  it.each([
    ['deleted', 'DELETE', ''],
    ['closed', 'POST', '/_close'],
  ])('has lines sent again that came after a snapshot which takes the place of a day: %s', async (_, method, path) => {
    const index = `${under.prefix}-${INDEX}`
    const snapshot = `/_snapshot/copies/${under.prefix}`
    const only = { indices: index, include_global_state: false }
    await elastic.call('PUT', '/_snapshot/copies', { type: 'fs', settings: { location: copies } })
    await store().append(linesOf(WEB, 3))
    await elastic.call('PUT', `${snapshot}?wait_for_completion=true`, only)
    await store().append(linesOf(WEB, 5))
    // It must have seen what it will miss.
    await under.reopen()
    const { epoch } = store().identity
    await elastic.call(method, `/${index}${path}`)
    await elastic.call('POST', `${snapshot}/_restore?wait_for_completion=true`, only)
    await until(() => store().identity.epoch > epoch)
    expect((await store().append(linesOf(WEB, 5))).stored).toHaveLength(2)
    expect(await collect(store())).toHaveLength(5)
  })

  it('takes each line once through kill -9 of the cluster', { timeout: 180_000 }, async () => {
    const appends: Promise<{ stored: readonly unknown[] }>[] = []
    for (let round = 0; round < 40; round++) {
      const records = linesOf(WEB, 200, { time: NOON + BigInt(round) * 1_000n })
      appends.push(sendUntilTaken(store(), records))
      if (round === 10) await elastic.kill(1)
      if (round === 11) await until(() => !store().status().writable)
      if (round === 30) await elastic.start(1)
      await delay(20)
    }
    const stored = await Promise.all(appends)
    expect(stored.reduce((sum, one) => sum + one.stored.length, 0)).toBe(8_000)
    expect(await collect(store())).toHaveLength(8_000)
    expect(store().status()).toMatchObject({ writable: true, records: 8_000 })
  })

  it('refuses indices of a newer swarmlogs', async () => {
    await elastic.call('PUT', `/${under.prefix}-2020.01.01`, { mappings: { _meta: { swarmlogs: { format: 99 } } } })
    const opening = openElasticStore({
      urls: [url],
      prefix: under.prefix,
      retentionMs: 1e9,
      log: pino({ level: 'silent' }),
    })
    await expect(opening).rejects.toMatchObject({ code: 'SWARMLOGS_STORE_NEWER' })
  })

  it('says at the start who does not answer', async () => {
    const open = (address: string) =>
      openElasticStore({ urls: [address], retentionMs: 1e9, log: pino({ level: 'silent' }) })
    await expect(open('http://127.0.0.1:1')).rejects.toThrow(
      /cannot reach Elasticsearch at http:\/\/127.0.0.1:1: .*check/,
    )
    await expect(open('http://no-such-host.invalid:9200')).rejects.toThrow(/cannot reach .*no-such-host.*check/)
    await expect(open('nonsense')).rejects.toMatchObject({ code: 'SWARMLOGS_CONFIG' })
    fault = () => 'html'
    const { port } = proxy.address() as AddressInfo
    await expect(open(`http://127.0.0.1:${port}`)).rejects.toThrow(/not Elasticsearch|page that is not its own/)
  })

  it('shows on one server what another one took', async () => {
    const other = await openElasticStore({
      urls: [url],
      prefix: under.prefix,
      replicas: 0,
      retentionMs: 1e9,
      log: pino({ level: 'silent' }),
    })
    try {
      expect(other.identity).toEqual(store().identity)
      await store().append(linesOf(WEB, 5))
      await other.append(linesOf(WEB, 7))
      await until(async () => (await messages(store(), queryOf({}, { services: ['shop_web'] }))).length === 7)
      expect(await collect(other)).toHaveLength(7)
    } finally {
      await other.close()
    }
  })
})

/** As an agent does: what is refused is sent again. */
async function sendUntilTaken(
  store: Store,
  records: Parameters<Store['append']>[0],
): Promise<{ stored: readonly unknown[] }> {
  for (;;) {
    try {
      return await store.append(records)
    } catch (error) {
      expect(error).toEqual(UNAVAILABLE)
      await delay(100)
    }
  }
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = Date.now() + 30_000
  while (!(await isTrue())) {
    expect(Date.now()).toBeLessThan(endMs)
    await delay(50)
  }
}

/** Hands requests on; `fault` decides what becomes of their answers. */
async function startProxy(target: string): Promise<Server> {
  const server = createServer((incoming, outgoing) => {
    const { method = 'GET', url: path = '/', headers } = incoming
    const kind = fault?.(path)
    if (kind === 'html') {
      incoming.resume()
      outgoing.writeHead(200, { 'content-type': 'text/html' }).end('<html>sign in</html>')
      return
    }
    const forward = request(new URL(path, target), { method, headers }, (answer) => {
      if (kind === 'cut') {
        answer.resume()
        answer.on('end', () => outgoing.destroy())
        return
      }
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    })
    forward.on('error', () => outgoing.destroy())
    incoming.pipe(forward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
