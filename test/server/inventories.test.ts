import { describe, expect, it } from 'vitest'
import { Inventories } from '../../server/inventories.ts'
import type { NodeInfo, ServiceInfo } from '../../shared/inventory.ts'
import { inventoryOf } from './inventory.ts'
import { MemoryStore } from './store/memory.ts'
import { streamOf } from './store/records.ts'

const WEB: ServiceInfo = {
  id: 'w',
  name: 'shop_web',
  stack: 'shop',
  mode: 'replicated',
  replicas: 12,
  image: 'i',
  update: '',
}

describe('Inventories', () => {
  it('keeps the newest inventory of each Swarm', async () => {
    const inventories = new Inventories(new MemoryStore())
    await inventories.take(inventoryOf({ services: [WEB] }))
    await inventories.take(inventoryOf({ cluster: 'cluster2', services: [{ ...WEB, id: 'x' }] }))
    await inventories.take(inventoryOf({ services: [{ ...WEB, replicas: 3 }], time: '2000' }))
    expect(inventories.services.map(({ cluster, service }) => [cluster, service.id, service.replicas])).toEqual([
      ['cluster1', 'w', 3],
      ['cluster2', 'x', 12],
    ])
  })

  it('remembers nodes that have left, when, and what they ran, over a restart, for 30 days', async () => {
    const store = new MemoryStore()
    const [one, two] = ['n1', 'n2'].map(
      (id): NodeInfo => ({
        ...{ id, name: id, role: 'worker', availability: 'active', state: 'ready', engine: '26' },
      }),
    ) as [NodeInfo, NodeInfo]
    const placements = [{ serviceId: 'w', nodeId: 'n2' }]
    await new Inventories(store).take(inventoryOf({ nodes: [one, two], placements }))
    const inventories = new Inventories(store)
    await inventories.load()
    await inventories.take(inventoryOf({ nodes: [one], time: '2000' }))
    const left = { cluster: 'cluster1', node: two, serviceIds: ['w'], time: '2000' }
    expect([...inventories.departed]).toEqual([['n2', left]])
    const again = new Inventories(store)
    await again.load()
    expect([...again.departed.values()]).toEqual([left])
    await again.take(inventoryOf({ nodes: [one, two], time: '3000' }))
    expect(again.departed.size).toBe(0)
    await inventories.take(inventoryOf({ nodes: [one], time: String(31n * 86_400_000_000_000n) }))
    expect(inventories.departed.size).toBe(0)
  })

  it('remembers where services ran, also of those that are gone, over a restart, for 30 days', async () => {
    const store = new MemoryStore()
    const placements = [
      { serviceId: 'w', nodeId: 'n1' },
      { serviceId: 'w', nodeId: 'n2' },
    ]
    await new Inventories(store).take(inventoryOf({ services: [WEB], placements }))
    const inventories = new Inventories(store)
    await inventories.load()
    await inventories.take(inventoryOf({ services: [], placements: placements.slice(1), time: '2000' }))
    const left = { cluster: 'cluster1', service: WEB, nodeId: 'n1', time: '2000' }
    expect(inventories.former).toEqual([left])
    const again = new Inventories(store)
    await again.load()
    expect(again.former).toEqual([left])
    await again.take(inventoryOf({ services: [WEB], placements, time: '3000' }))
    expect(again.former).toEqual([])
    await inventories.take(inventoryOf({ placements: placements.slice(1), time: String(31n * 86_400_000_000_000n) }))
    expect(inventories.former).toEqual([])
  })

  it('leaves an older one of the same node, but follows another manager whose clock is behind', async () => {
    const inventories = new Inventories(new MemoryStore())
    await inventories.take(inventoryOf({ services: [WEB] }))
    await inventories.take(inventoryOf({ time: '999' }))
    expect(inventories.services).toHaveLength(1)
    await inventories.take(inventoryOf({ time: '999', nodeId: 'node2' }))
    expect(inventories.services).toHaveLength(0)
  })

  it('says which tasks Docker still has, and takes what it cannot know as current', async () => {
    const inventories = new Inventories(new MemoryStore())
    expect(inventories.isCurrent(streamOf('web'))).toBe(true)
    await inventories.take(inventoryOf({ tasks: ['task-web', 'task-api'] }))
    await inventories.take(inventoryOf({ tasks: ['task-web'], time: '20000000000' }))
    expect(inventories.isCurrent(streamOf('web'))).toBe(true)
    expect(inventories.isCurrent(streamOf('api'))).toBe(false)
    expect(inventories.isCurrent(streamOf('new'), 19_000_000_000n)).toBe(true)
    expect(inventories.isCurrent(streamOf('old'), 1n)).toBe(false)
    expect(inventories.isCurrent(streamOf('api', { cluster: 'other' }))).toBe(true)
    expect(inventories.isCurrent(streamOf('api', { cluster: '' }))).toBe(false)
    expect(inventories.isCurrent(streamOf('plain', { taskId: '' }))).toBe(true)
  })

  it('outlives a restart, with the services that are gone', async () => {
    const store = new MemoryStore()
    const before = new Inventories(store)
    await Promise.all([before.take(inventoryOf({ services: [WEB] })), before.take(inventoryOf({ time: '2000' }))])
    const after = new Inventories(store)
    await after.load()
    expect(after.knows('cluster1')).toBe(true)
    expect(after.services).toEqual([])
    expect(after.service('w')).toEqual(WEB)
  })

  it.each(['{"format":3}', '{"form', ''])('begins anew when what was saved cannot be read: %s', async (text) => {
    const store = new MemoryStore()
    await store.save('inventory', text)
    const inventories = new Inventories(store)
    await inventories.load()
    expect(inventories.services).toEqual([])
  })

  it('rejects when it cannot be saved, and can be saved again', async () => {
    const store = new MemoryStore()
    const inventories = new Inventories(store)
    const save = store.save.bind(store)
    store.save = async () => {
      throw new Error('disk')
    }
    await expect(inventories.take(inventoryOf())).rejects.toThrow('disk')
    store.save = save
    await inventories.take(inventoryOf({ time: '2000' }))
    expect(await store.load('inventory')).toContain('2000')
  })
})
