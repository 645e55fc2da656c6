import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { EmbeddedStore } from '../../../server/store/embedded/store.ts'
import { storeContract } from './contract.ts'

const DAY_MS = 86_400_000

/** A store that archives whatever was appended, today's lines included, after every other append: half of it is hot. */
async function open(dir: string): Promise<EmbeddedStore> {
  const log = pino({ level: 'silent' })
  const archive = { afterMs: 0 }
  const store = await EmbeddedStore.open({ dir, retentionMs: 30 * DAY_MS, lockWaitMs: 0, archive, log })
  const append = store.append.bind(store)
  let appends = 0
  store.append = async (records) => {
    const appended = await append(records)
    if (++appends % 2 === 1) await store.runSealing(Date.now() + 400 * DAY_MS)
    return appended
  }
  return store
}

storeContract('embedded, half archived', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'swarmlogs-archive-'))
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
