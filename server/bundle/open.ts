import { SwarmlogsError } from '../../shared/errors.ts'
import type { Gap } from '../../shared/gap.ts'
import { greater } from '../store/bigint.ts'
import { openFrozen } from '../store/open.ts'
import type { Store } from '../store/store.ts'
import { type LostFile, spillDir, unpack } from './cache.ts'
import { type Knowledge, strangersOf } from './knowledge.ts'
import type { Manifest } from './manifest.ts'
import { Bundle } from './read.ts'
import { damaged } from './tar.ts'

/** A bundle, made ready to be asked. */
export interface OpenBundle {
  readonly store: Store
  readonly manifest: Manifest
  readonly fingerprint: string
  readonly knowledge: Knowledge
  readonly lost: readonly LostFile[]
  close(): Promise<void>
}

/** Opens a bundle as a store that is only read. Throws SWARMLOGS_USAGE, _STORE_DAMAGED, _STORE_NEWER. */
export async function openBundle(path: string, cacheDir: string): Promise<OpenBundle> {
  const bundle = await Bundle.open(path)
  try {
    return await openChecked(bundle, cacheDir)
  } catch (cause) {
    if (cause instanceof SwarmlogsError) throw cause
    throw damaged('what it says of itself cannot be read', cause)
  } finally {
    await bundle.close()
  }
}

async function openChecked(bundle: Bundle, cacheDir: string): Promise<OpenBundle> {
  const { manifest, fingerprint } = bundle
  const knowledge = await bundle.knowledge()
  const gaps = await bundle.gaps()
  const { dir, lost } = await unpack(bundle, cacheDir)
  const { path: tempDir, remove } = await spillDir(cacheDir)
  const store = await openFrozen({
    ...{ dir, tempDir, gaps: [...gaps, ...gapsOf(manifest, lost)], others: strangersOf(knowledge) },
    identity: { id: manifest.store.id, epoch: manifest.store.epoch },
    lastReceived: BigInt(manifest.store.received),
    begins: beginOf(manifest, knowledge),
    values: { inventory: knowledge.inventory, reports: knowledge.reports, annotations: knowledge.annotations },
    damaged: lost.map(({ member }) => member.name),
  }).catch(async (error: unknown) => {
    await remove()
    throw error
  })
  const close = async (): Promise<void> => {
    await store.close()
    await remove()
  }
  return { store, manifest, fingerprint, knowledge, lost, close }
}

/** Lines before the bundle's time are not here, though the server may have had some. */
function beginOf({ since }: Manifest, { begins }: Knowledge): bigint {
  return greater(BigInt(since), BigInt(begins ?? since))
}

/** What a damaged file had is a gap of each stream that it had lines of. */
function gapsOf({ streams }: Manifest, lost: readonly LostFile[]): Gap[] {
  return lost.flatMap(({ member }) =>
    (member.streams ?? []).flatMap(([number, lines, first, last]): Gap[] => {
      const stream = streams[number]
      if (stream === undefined) return []
      return [{ stream, from: BigInt(first), to: BigInt(last), reason: 'damaged', atLeast: lines, atMost: lines }]
    }),
  )
}
