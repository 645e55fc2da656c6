import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { NodeInfo } from '../../../shared/inventory.ts'
import { Events, messagesOf } from '../events.ts'
import { inventoryOf } from '../inventory.ts'
import { reportOf } from '../report.ts'
import { gapOf, linesOf, NOON, recordOf, SECOND, streamOf } from '../store/records.ts'
import { Cluster, type PeerServer } from './cluster.ts'

const WEB = streamOf('web')
const API = streamOf('api', { nodeId: 'node0', nodeName: 'worker-0' })

describe('servers on one store', () => {
  let cluster: Cluster
  let clients: Events[]
  beforeEach(() => {
    cluster = new Cluster()
    clients = []
  })
  afterEach(async () => {
    for (const client of clients) client.close()
    await cluster.close()
  })
  const tail = ({ url }: PeerServer, query = '', lastEventId?: string): Events => {
    const headers: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
    const client = new Events(`${url}/api/v1/tail?${query}`, headers)
    clients.push(client)
    return client
  }

  it('show on any of them what another one takes in, at once', async () => {
    const [a, b, c] = [await cluster.add(), await cluster.add(), await cluster.add()]
    const tails = [tail(a), tail(b), tail(c, 'grep=line')]
    for (const client of tails) await client.until('live')
    const start = performance.now()
    await b.context.ingestor.records(linesOf(WEB, 3))
    for (const client of tails) expect(messagesOf(await client.take(3))).toEqual(['line 0', 'line 1', 'line 2'])
    expect(performance.now() - start).toBeLessThan(1000)
    const whole = {
      message: 'x\u0000é',
      level: 'error' as const,
      fields: '{"a":1}',
      cutFrom: 7,
      source: 'stderr' as const,
    }
    await c.context.ingestor.records([recordOf(API, { ...whole, time: NOON + 2n ** 60n, ordinal: 3 })])
    const [[own], [other]] = [(await tails[0]?.take(1)) ?? [], (await tails[1]?.take(1)) ?? []]
    expect(JSON.parse(other?.data ?? '')).toEqual(JSON.parse(own?.data ?? '{}'))
    expect(own?.id).toBe(other?.id)
  })

  it('find on any of them what another one took in', async () => {
    const [a, b] = [await cluster.add(), await cluster.add()]
    await b.context.ingestor.records(linesOf(WEB, 3))
    for (const { url } of [a, b]) {
      const search = async () =>
        ((await (await fetch(`${url}/api/v1/search`)).json()) as { records: unknown[] }).records
      await expect.poll(search).toHaveLength(3)
    }
  })

  it('know what another one was told of nodes and Swarms', async () => {
    const [a, b] = [await cluster.add(), await cluster.add()]
    b.context.ingestor.agent('node1', 'one')
    await b.context.ingestor.inventory(inventoryOf())
    await expect.poll(() => a.context.ingestor.seen('node1'), { timeout: 8000 }).toBeTypeOf('bigint')
    expect(a.context.inventories.knows('cluster1')).toBe(true)
    expect(a.context.completeness.observer('cluster1')).toBe('node1')
  })

  it('say the same of what is missing as who was told of it, once what it speaks of can be found', async () => {
    const [a, b] = [await cluster.add(), await cluster.add()]
    b.context.ingestor.agent('node1', 'worker-1')
    const page = async ({ url }: PeerServer) => (await fetch(`${url}/api/v1/search`)).json()
    const tail = new Events(`${a.url}/api/v1/tail`)
    await tail.until('live')
    const upTo = () => String(BigInt(Date.now()) * 1_000_000n)
    await b.context.ingestor.records(linesOf(WEB, 3), [gapOf(WEB, { reason: 'lossy' })])
    const node = { id: 'node1', name: 'worker-1', role: 'manager', availability: 'active', state: 'ready', engine: '' }
    await b.context.ingestor.inventory(inventoryOf({ nodes: [node as NodeInfo] }))
    b.context.ingestor.report(reportOf({ upTo: upTo() }))
    for (const server of [a, b]) {
      await expect
        .poll(() => page(server), { timeout: 8000 })
        .toMatchObject({
          ...{ gaps: [{ reason: 'lossy' }], completeness: { verdict: 'complete' } },
          records: [{}, {}, {}],
        })
    }
    expect(await tail.until('gap')).toContainEqual(expect.objectContaining({ event: 'gap' }))
    tail.close()
  })

  it('miss nothing and double nothing in any tail, whenever it begins, wherever it goes on', {
    timeout: 60_000,
  }, async () => {
    const servers: PeerServer[] = []
    for (const aheadMs of [0, 40, -40]) {
      const now = () => (BigInt(Date.now()) + BigInt(aheadMs)) * 1_000_000n
      servers.push(await cluster.add({ now, commit: () => delay(Math.random() * 30) }))
    }
    const server = (index: number) => servers[index % 3] ?? fail()
    const total = 1500
    const readings: Promise<string[]>[] = []
    const expected: string[] = []
    const read = async (first: number): Promise<string[]> => {
      const messages: string[] = []
      let lastEventId: string | undefined
      for (let hop = 0; ; hop++) {
        const client = tail(server(first + hop), `since=${NOON / SECOND - 1n}`, lastEventId)
        const end = 40 + Math.random() * 400
        while (messages.length < total) {
          const [event] = await client.take(1)
          if (event === undefined) break
          if (event.id !== '' && event.id !== undefined) lastEventId = event.id
          messages.push(...messagesOf([event]))
          if (hop < 3 && messages.length > end * (hop + 1)) break
        }
        client.close()
        if (messages.length >= total) return messages
      }
    }
    const appends: Promise<number>[] = []
    for (let at = 0; at < total; at += 5) {
      if (at % 150 === 0) readings.push(read(at / 150))
      const lines = Array.from({ length: 5 }, (_, line) => `line ${at + line}`)
      expected.push(...lines)
      const records = lines.map((message, line) => recordOf(WEB, { message, time: NOON + BigInt(at + line) }))
      appends.push(server(at / 5).context.ingestor.records(records))
      await delay(4)
    }
    await Promise.all(appends)
    for (const messages of await Promise.all(readings)) expect(messages.sort()).toEqual(expected.toSorted())
  })

  it.each(['kill', 'stop'] as const)('show what one had stored and not announced before its %s', async (end) => {
    const a = await cluster.add()
    let hold: Promise<void> = Promise.resolve()
    const b = await cluster.add({ commit: () => hold })
    const client = tail(a)
    await client.until('live')
    await b.context.ingestor.records([recordOf(WEB, { message: 'announced' })])
    const held = Promise.withResolvers<void>()
    hold = held.promise
    const orphan = b.context.commits.append([recordOf(WEB, { message: 'orphan', time: NOON + 1n })])
    await b[end]()
    held.resolve()
    await orphan
    await a.context.ingestor.records([recordOf(WEB, { message: 'own', time: NOON + 2n })])
    expect(messagesOf(await client.untilMessage('own'))).toEqual(['announced', 'orphan', 'own'])
  })

  it('go on without one that does not get on, and show its lines late, once', { timeout: 30_000 }, async () => {
    const a = await cluster.add()
    let hold: Promise<void> = Promise.resolve()
    const b = await cluster.add({ commit: () => hold })
    const before = tail(a)
    await before.until('live')
    const held = Promise.withResolvers<void>()
    hold = held.promise
    const stuck = b.context.ingestor.records([recordOf(WEB, { message: 'stuck', time: NOON + 1n })])
    await delay(50)
    await a.context.ingestor.records([recordOf(WEB, { message: 'own', time: NOON + 2n })])
    expect(messagesOf(await before.untilMessage('own'))).toEqual(['own'])
    const between = tail(a, 'n=5')
    expect(messagesOf(await between.until('live'))).toEqual(['own'])
    held.resolve()
    await stuck
    const after = tail(a, 'n=5')
    expect(messagesOf(await after.until('live'))).toEqual(['stuck', 'own'])
    hold = Promise.resolve()
    await b.context.ingestor.records([recordOf(WEB, { message: 'next', time: NOON + 3n })])
    expect(messagesOf(await before.untilMessage('next'))).toEqual(['stuck', 'next'])
    expect(messagesOf(await between.untilMessage('next'))).toEqual(['stuck', 'next'])
    expect(messagesOf(await after.untilMessage('next'))).toEqual(['next'])
  })

  it('do not wait for one that stops', async () => {
    const [a, b] = [await cluster.add(), await cluster.add()]
    const client = tail(a)
    await client.until('live')
    await b.stop()
    const start = performance.now()
    await a.context.ingestor.records(linesOf(WEB, 1))
    await client.take(1)
    expect(performance.now() - start).toBeLessThan(1500)
  })

  it('keep to themselves without the token', async () => {
    const guarded = new Cluster('secret')
    const a = await guarded.add()
    const path = '/internal/v1/commits?from=x&port=1'
    expect((await fetch(`${a.url}${path}`)).status).toBe(401)
    const stranger = await guarded.add({ token: 'other' })
    const friend = await guarded.add()
    const client = new Events(`${a.url}/api/v1/tail`, { authorization: 'Bearer secret' })
    clients.push(client)
    await client.until('live')
    await stranger.context.ingestor.records([recordOf(WEB, { message: 'strange' })])
    await friend.context.ingestor.records([recordOf(WEB, { message: 'friendly', ordinal: 1 })])
    expect(messagesOf(await client.take(1))).toEqual(['friendly'])
    client.close()
    await guarded.close()
  })

  it.each(['upTo=-1', 'safe=99999999999999999999', 'port=x', 'more=1'])('refuse %s', async (query) => {
    const { url } = await cluster.add()
    expect((await fetch(`${url}/internal/v1/commits?${query}`)).status).toBe(400)
  })
})

function fail(): never {
  throw new Error('BUG: there is a server for each number')
}
