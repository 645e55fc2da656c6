import type { Spool } from '../spool.ts'
import type { Mark } from './watermark.ts'

const NAME = 'watermark'

/** Reads the watermark that was kept for the store in use; undefined when there is none, or it was for another one. */
export function keptMark(spool: Pick<Spool, 'kept' | 'store'>): Mark | undefined {
  const text = spool.kept(NAME)
  if (text === undefined) return undefined
  const { store, upTo, behind } = JSON.parse(text) as Kept
  if (store !== spool.store) return undefined
  return {
    upTo: BigInt(upTo),
    behind: new Map(behind.map(([id, own]) => [id, BigInt(own)])),
    services: new Map(behind.map(([id, , service]) => [id, service])),
  }
}

/** Keeps it over restarts; false when the disk cannot be written now. */
export function keepMark(spool: Pick<Spool, 'keep' | 'store'>, { upTo, behind, services }: Mark): boolean {
  const own = [...behind].map(([id, time]) => [id, String(time), services.get(id) ?? ''] as const)
  const kept: Kept = { store: spool.store, upTo: String(upTo), behind: own }
  return spool.keep(NAME, JSON.stringify(kept))
}

interface Kept {
  readonly store: string
  readonly upTo: string
  readonly behind: readonly (readonly [id: string, upTo: string, service: string])[]
}
