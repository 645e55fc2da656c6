import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { openStore } from '../../../server/store/open.ts'
import type { Store } from '../../../server/store/store.ts'
import { storeContract } from './contract.ts'

const MONTH_MS = 30 * 86_400_000

async function open(dir: string): Promise<Store> {
  return openStore({ dir, retentionMs: MONTH_MS, lockWaitMs: 0, log: pino({ level: 'silent' }) })
}

storeContract('embedded', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'swarmlogs-store-'))
  const under = {
    store: await open(dir),
    reopen: async () => {
      await under.store.close()
      under.store = await open(dir)
    },
    destroy: async () => {
      await under.store.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
  return under
})
