import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { openStore } from '../../server/store/open.ts'
import type { StoreUnderTest } from './store/contract.ts'
import { MemoryData, MemoryStore } from './store/memory.ts'

/** The stores that the HTTP server is tested with. */
export const STORES: readonly (readonly [string, () => Promise<StoreUnderTest>])[] = [
  ['memory', openMemory],
  ['embedded', openEmbedded],
]

async function openMemory(): Promise<StoreUnderTest> {
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
}

async function openEmbedded(): Promise<StoreUnderTest> {
  const dir = await mkdtemp(join(tmpdir(), 'swarmlogs-http-'))
  const open = () => openStore({ dir, retentionMs: 30 * 86_400_000, lockWaitMs: 0, log: pino({ level: 'silent' }) })
  const under = {
    store: await open(),
    reopen: async () => {
      await under.store.close()
      under.store = await open()
    },
    destroy: async () => {
      await under.store.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
  return under
}
