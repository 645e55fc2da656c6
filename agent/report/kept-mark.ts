import type { Spool } from '../spool.ts'
import type { Watched } from '../tail/held-events.ts'
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

/** What was watched by then; undefined as for `keptMark`. */
export function keptWatch(spool: Pick<Spool, 'kept' | 'store'>): Watched | undefined {
  const mark = keptMark(spool)
  const { hadEvents = false } = JSON.parse(spool.kept(NAME) ?? '{}') as Partial<Kept>
  return mark && { upTo: mark.upTo, hadEvents }
}

/** Keeps it over restarts; false when the disk cannot be written now. `hadEvents`: see `Watched`. */
export function keepMark(
  spool: Pick<Spool, 'keep' | 'store'>,
  { upTo, behind, services }: Mark,
  hadEvents = false,
): boolean {
  const own = [...behind].map(([id, time]) => [id, String(time), services.get(id) ?? ''] as const)
  const kept: Kept = { store: spool.store, upTo: String(upTo), behind: own, hadEvents }
  return spool.keep(NAME, JSON.stringify(kept))
}

interface Kept {
  readonly store: string
  readonly upTo: string
  /** Older agents did not say. */
  readonly hadEvents?: boolean
  readonly behind: readonly (readonly [id: string, upTo: string, service: string])[]
}
