import { storeContract } from './contract.ts'
import { MemoryData, MemoryStore } from './memory.ts'

storeContract('memory', async () => {
  const data = new MemoryData()
  const under = {
    store: new MemoryStore(data),
    reopen: async () => {
      await under.store.close()
      under.store = new MemoryStore(data)
    },
    destroy: async () => under.store.close(),
  }
  return under
})
