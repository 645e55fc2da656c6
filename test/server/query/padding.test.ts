import { beforeEach, describe, expect, it } from 'vitest'
import { Inventories } from '../../../server/inventories.ts'
import { slotWidths } from '../../../server/query/padding.ts'
import type { ServiceInfo } from '../../../shared/inventory.ts'
import { inventoryOf } from '../inventory.ts'
import { MemoryStore } from '../store/memory.ts'
import { streamOf } from '../store/records.ts'

const WEB: ServiceInfo = {
  id: 'service-web',
  name: 'shop_web',
  stack: 'shop',
  mode: 'replicated',
  replicas: 12,
  image: 'i',
  update: '',
}
const STREAMS = [streamOf('web', { slot: 3 }), streamOf('web', { slot: 107, containerId: 'other' }), streamOf('api')]

describe('slotWidths', () => {
  let inventories: Inventories
  beforeEach(() => {
    inventories = new Inventories(new MemoryStore())
  })
  const width = (stream = STREAMS[0]): number => (stream === undefined ? -1 : slotWidths(inventories, STREAMS)(stream))

  it('is that of the replicas now', async () => {
    await inventories.take(inventoryOf({ services: [WEB] }))
    expect(width()).toBe(2)
    await inventories.take(inventoryOf({ services: [{ ...WEB, replicas: 0 }] }))
    expect(width()).toBe(1)
  })

  it('is 1 for a global service', async () => {
    await inventories.take(inventoryOf({ services: [{ ...WEB, mode: 'global', replicas: 0 }] }))
    expect(width()).toBe(1)
  })

  it('is that of the last known replicas once the service is gone', async () => {
    await inventories.take(inventoryOf({ services: [WEB] }))
    await inventories.take(inventoryOf({ services: [] }))
    expect(width()).toBe(2)
  })

  it('is that of the widest slot seen when no manager has told', () => {
    expect(width()).toBe(3)
    expect(width(STREAMS[2])).toBe(1)
  })
})
