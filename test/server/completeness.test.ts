import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { wantedOf } from '../../server/completeness/wanted.ts'
import { Completeness } from '../../server/completeness.ts'
import { Inventories } from '../../server/inventories.ts'
import { inventoryOf } from './inventory.ts'
import { reportOf } from './report.ts'
import { MemoryData, MemoryStore } from './store/memory.ts'
import { ALL, recordOf, SECOND, WEB } from './store/records.ts'

const ANY = wantedOf({ targets: [], filter: ALL, matched: [] }, () => '')
const host = (upTo: bigint) =>
  reportOf({ cluster: '', nodeId: 'host', nodeName: 'host', upTo: String(upTo), time: String(upTo) })

let now: bigint
let visible: bigint
let seen: Map<string, bigint>
let store: MemoryStore
let completeness: Completeness
const data = () => new MemoryStore(memory)
let memory: MemoryData
const make = async (): Promise<Completeness> => {
  store = data()
  const log = pino({ level: 'silent' })
  const inventories = new Inventories(store)
  const made = new Completeness({
    ...{ store, inventories, log, now: () => now, seen: (node: string) => seen.get(node) },
    visibleUpTo: () => visible,
  })
  await made.load()
  return made
}
beforeEach(async () => {
  vi.useFakeTimers()
  memory = new MemoryData()
  seen = new Map()
  now = 1_000_000n * SECOND
  visible = now
  completeness = await make()
})
afterEach(() => {
  vi.useRealTimers()
})
/** What the agent tells whose state goes back to then, and what that shows to be lost. */
const told = (stateSince: bigint, upTo: bigint | undefined) => {
  const report = { ...host(upTo ?? 0n), upTo: String(upTo ?? ''), stateSince: String(stateSince) }
  const gaps = completeness.lapses(report)
  completeness.take(report)
  return gaps.map(({ from, to, reason, stream }) => [from, to, reason, stream.containerId])
}
const late = () => completeness.view()(ANY).nodes

describe('Completeness', () => {
  it('believes a report only when searches see what it speaks of', async () => {
    seen.set('host', now)
    await store.append([recordOf(WEB)])
    visible = store.lastReceived - 1n
    completeness.take(host(now))
    expect(late()).toMatchObject([{ id: 'host', reason: 'lagging' }])
    visible = store.lastReceived
    expect(late()).toEqual([])
  })

  it('believes no clock that is ahead for longer than the agent is there to correct it', () => {
    const hour = 3_600n * SECOND
    seen.set('host', now)
    completeness.take(host(now + hour))
    expect(late()).toEqual([])
    now += 60n * SECOND
    expect(late()).toMatchObject([{ id: 'host', reason: 'not_connected', upTo: now - 60n * SECOND }])
    expect(completeness.view()({ ...ANY, until: now - 59n * SECOND }).nodes).toHaveLength(1)
    expect(completeness.view()({ ...ANY, until: now - 60n * SECOND }).nodes).toEqual([])
  })

  it('goes on believing what searches see while newer reports keep coming', async () => {
    seen.set('host', now)
    completeness.take(host(now))
    for (let round = 0n; round < 30n; round++) {
      await store.append([recordOf(WEB, { time: round })])
      visible = store.lastReceived - 1n
      now += 2n * SECOND
      seen.set('host', now)
      completeness.take(host(now))
    }
    visible = store.lastReceived
    expect(late()).toEqual([])
  })

  it('believes nothing that was said of another store, or before this one lost something', async () => {
    seen.set('host', now)
    completeness.take(host(now))
    expect(late()).toEqual([])
    memory.identity = { ...memory.identity, epoch: 2 }
    expect(late()).toMatchObject([{ id: 'host', reason: 'lagging' }])
    await completeness.close()
    completeness = await make()
    expect(late()).toMatchObject([{ id: 'host', reason: 'lagging' }])
    completeness.take(host(now))
    expect(late()).toEqual([])
  })

  it('keeps the reports over a restart, saved at most every 10 s', async () => {
    const save = vi.spyOn(store, 'save')
    completeness.take(host(now))
    completeness.take(host(now + 1n))
    await vi.advanceTimersByTimeAsync(9_999)
    expect(save).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(save).toHaveBeenCalledTimes(1)
    completeness.take(host(now + 2n))
    await completeness.close()
    expect(save).toHaveBeenCalledTimes(2)
    completeness = await make()
    expect(completeness.reports).toMatchObject([{ report: host(now + 2n), heard: now }])
    now += 60n * SECOND
    expect(late()).toMatchObject([{ id: 'host', reason: 'not_connected' }])
  })

  it('takes what came and went before a state that began later than all that was told to be lost, once, after a restart too', async () => {
    expect(told(5n, undefined)).toEqual([])
    expect(told(5n, 100n)).toEqual([])
    // It connects to another store: nothing is known to be stored there.
    expect(told(5n, undefined)).toEqual([])
    await completeness.close()
    completeness = await make()
    expect(told(5n, 200n)).toEqual([])
    expect(told(900n, undefined)).toEqual([[200n, 900n, 'state', 'node:host']])
    expect(told(900n, undefined)).toEqual([])
    expect(told(900n, 950n)).toEqual([])
    // An older agent does not say; the clock was set back.
    completeness.take(host(1_000n))
    expect(told(900n, 1_001n)).toEqual([])
    expect(told(1_000n, 1_002n)).toEqual([])
  })

  it('starts without what cannot be read, and forgets who is silent for a month', async () => {
    await store.save('reports', '{')
    completeness = await make()
    expect(completeness.reports).toEqual([])
    completeness.take(host(now))
    now += 31n * 86_400n * SECOND
    completeness.take(reportOf())
    await completeness.close()
    expect(completeness.reports.map(({ report }) => report.nodeId)).toEqual(['node1'])
  })

  it('takes from another server what is newer, unless a clock was set back', () => {
    completeness.take(host(now))
    completeness.adopt(host(now - 1n), 0n)
    expect(completeness.reports[0]?.report.upTo).toBe(String(now))
    completeness.adopt(host(now + 1n), 0n)
    expect(completeness.reports[0]?.report.upTo).toBe(String(now + 1n))
    now += 31n * SECOND
    completeness.adopt(host(5n), 0n)
    expect(completeness.reports[0]?.report.upTo).toBe('5')
  })

  it('has as observer the connected manager that told last; the others stand by', () => {
    expect(completeness.observer('cluster1')).toBeUndefined()
    for (const nodeId of ['node1', 'node2']) {
      now += SECOND
      seen.set(nodeId, now)
      completeness.observe(inventoryOf({ nodeId }))
    }
    expect(completeness.observer('cluster1')).toBe('node2')
    seen.set('node2', now - 16n * SECOND)
    expect(completeness.observer('cluster1')).toBe('node1')
    seen.delete('node1')
    expect(completeness.observer('cluster1')).toBeUndefined()
    expect(completeness.observer('cluster2')).toBeUndefined()
  })
})
