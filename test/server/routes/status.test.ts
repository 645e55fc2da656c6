import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { NodeInfo } from '../../../shared/inventory.ts'
import { formatTime } from '../../../shared/time.ts'
import { inventoryOf } from '../inventory.ts'
import { containersOf, reportOf } from '../report.ts'
import { serve, type TestServer } from '../serve.ts'
import { MemoryStore } from '../store/memory.ts'
import { linesOf, NOON, SECOND, streamOf } from '../store/records.ts'

const REFUSAL = { time: NOON, reason: 'too odd', service: 'shop_web', containerId: '', excerpt: '{"message":"x"' }
const DAY = 86_400n * SECOND
const NOTHING = { count: 0, named: [] }
const NODE: NodeInfo = {
  ...{ id: 'node1', name: 'worker-1', role: 'worker', availability: 'active' },
  ...{ state: 'ready', engine: '26.1.5' },
}

describe('status', () => {
  let store: MemoryStore
  let server: TestServer
  beforeEach(async () => {
    store = new MemoryStore()
    server = await serve({ store, now: () => NOON })
  })
  afterEach(() => server.close())
  const metrics = async () => (await server.get('/metrics')).text()
  const get = async (path: string) => (await server.get(path)).json()

  it('tells how the store is', async () => {
    await server.context.ingestor.records(linesOf(streamOf('web'), 3))
    store.reason = 'the disk is full'
    expect(await get('/api/v1/status')).toEqual({
      version: '1.2.3',
      time: formatTime(NOON),
      ...{ verdict: 'unknown', membership: 'unknown', observers: [], nodes: [] },
      ...{ unreadable: NOTHING, lossy: NOTHING, unrotated: NOTHING },
      gaps: { since: formatTime(NOON - DAY), count: 0, reasons: {}, newest: [] },
      store: {
        ...{ kind: 'memory', ...store.identity, writable: false, reason: 'the disk is full', records: 3, bytes: 18 },
        ...{ begins: formatTime(NOON), segments: 1, damaged: [], refused: 0 },
      },
    })
    store.reason = ''
    expect((await get('/api/v1/status')).store).not.toHaveProperty('reason')
  })

  it('tells of nodes, of their agents, and of who is missing', async () => {
    const { ingestor } = server.context
    const nodes: NodeInfo[] = [
      { ...NODE, id: 'node2', name: 'worker-2' },
      { ...NODE, role: 'manager' },
    ]
    await ingestor.inventory(inventoryOf({ time: String(NOON), nodes }))
    const none = containersOf([{ containerId: 'c1', service: 'shop_web', detail: 'none' }], 2)
    const times = { time: String(NOON + 3n * SECOND), upTo: String(NOON - 2n * SECOND) }
    ingestor.report(reportOf({ ...times, unreadable: none }))
    ingestor.report(reportOf({ ...times, nodeId: 'left', nodeName: 'left', upTo: '1', leaving: true }))
    const answer = await get('/api/v1/status')
    expect(answer).toMatchObject({ verdict: 'partial', membership: 'known', observers: ['worker-1'] })
    expect(answer.unreadable).toEqual({
      count: 2,
      named: [{ 'host.name': 'worker-1', 'service.name': 'shop_web', 'container.id': 'c1', detail: 'none' }],
    })
    expect(answer.nodes).toMatchObject([
      { name: 'left', state: 'gone' },
      {
        ...{ id: 'node1', name: 'worker-1', role: 'manager', state: 'ready', engine: '26.1.5' },
        agent: { connected: true, heard: formatTime(NOON), lag_ms: 2000, ahead_ms: 3000, spool: { policy: 'block' } },
      },
      { id: 'node2', role: 'worker', engine: '26.1.5', late: 'no_agent' },
    ])
    expect(answer.nodes[1]).not.toHaveProperty('late')
  })

  it('counts the gaps of the last day and shows the newest that lost lines', async () => {
    const stream = streamOf('web')
    const gap = (from: bigint, reason: 'rotated' | 'lossy') => ({ stream, from, to: from + SECOND, reason, atLeast: 1 })
    const gaps = [gap(NOON - 2n * DAY, 'rotated'), gap(NOON - DAY / 2n, 'lossy')]
    for (let i = 1n; i <= 7n; i++) gaps.push(gap(NOON - i * 60n * SECOND, 'rotated'))
    await server.context.ingestor.records([], gaps)
    const { gaps: told } = await get('/api/v1/status')
    expect(told).toMatchObject({ count: 7, reasons: { rotated: 7, lossy: 1 } })
    expect(told.newest.map(({ from }: { from: string }) => from)).toEqual(
      [1n, 2n, 3n, 4n, 5n].map((i) => formatTime(NOON - i * 60n * SECOND)),
    )
    expect(await metrics()).toContain('swarmlogs_gaps{reason="rotated"} 7\n')
  })

  it('has the same at /metrics', async () => {
    await server.context.ingestor.inventory(inventoryOf({ time: String(NOON), nodes: [NODE] }))
    server.context.ingestor.report(reportOf({ time: String(NOON), upTo: String(NOON - 2n * SECOND) }))
    const text = await metrics()
    for (const line of [
      'agent_lag_seconds{node="worker-1",node_id="node1"} 2',
      'agent_connected{node="worker-1",node_id="node1"} 1',
      'agent_spool_bytes{node="worker-1",node_id="node1"} 0',
      'nodes_late{reason="no_agent"} 0',
      'complete 1',
      'membership_known 1',
    ])
      expect(text).toContain(`swarmlogs_${line}\n`)
  })

  it('tells what it knows while the store does not answer', async () => {
    store.gaps = () => Promise.reject(new Error('it is down'))
    expect(await get('/api/v1/status')).not.toHaveProperty('gaps')
    const text = await metrics()
    expect(text).toContain('swarmlogs_complete 0')
    expect(text).not.toContain('swarmlogs_gaps{')
  })

  it('tells of the lines that were refused, where a store refuses any', async () => {
    expect(await get('/api/v1/status/refused')).toEqual({ refused: [] })
    const asked: number[] = []
    Object.assign(store, { refusals: async (limit: number) => [REFUSAL, asked.push(limit)].slice(0, 1) })
    const { time, reason, service, excerpt } = REFUSAL
    const refusal = { time: formatTime(time), reason, 'service.name': service, excerpt }
    expect(await get('/api/v1/status/refused?limit=7')).toEqual({ refused: [refusal] })
    expect(asked).toEqual([7])
    expect((await server.get('/api/v1/status/refused?limit=0')).status).toBe(400)
  })
})
