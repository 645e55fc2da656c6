import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Shelf } from '../../../server/archive/shelf.ts'
import { EmbeddedStore } from '../../../server/store/embedded/store.ts'
import { FolderShelf } from '../archive/folder-shelf.ts'
import { storeContract } from './contract.ts'

const DAY_MS = 86_400_000

/** A store that archives whatever was appended, today's lines included, after every other append: half of it is hot. */
async function open(dir: string, shelf?: Shelf): Promise<EmbeddedStore> {
  const log = pino({ level: 'silent' })
  // All files of lines go as soon as nobody reads them.
  const archive = { afterMs: 0, ...(shelf && { shelf, cacheBytes: 0 }) }
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

for (const [name, isOnShelf] of [
  ['embedded, half archived', false],
  ['embedded, half archived elsewhere', true],
] as const)
  storeContract(name, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'swarmlogs-archive-'))
    const shelf = isOnShelf ? new FolderShelf(join(dir, 'shelf')) : undefined
    const under = {
      store: await open(dir, shelf),
      reopen: async () => {
        await under.store.close()
        under.store = await open(dir, shelf)
      },
      destroy: async () => {
        await under.store.close()
        await rm(dir, { recursive: true, force: true })
      },
    }
    return under
  })
