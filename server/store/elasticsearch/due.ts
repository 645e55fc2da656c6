import type { ArchiveTier } from '../tiered/archive-tier.ts'
import { dayOf, timesOfDay } from './names.ts'
import type { Parts } from './parts.ts'
import type { IndexSize } from './sizes.ts'

/** A day is left alone for so long after its last line; once it is archived, its late lines are gathered for longer. */
const IDLE_MS = 5 * 60_000
const LATE_IDLE_MS = 3_600_000
/** Of the bytes that the store may have: from then on days are archived before their time, so that none has to be deleted. */
const TIGHT_SHARE = 0.9

/** What tells which days can be archived. */
export interface DueParts extends Pick<Parts, 'names' | 'indices' | 'counts'> {
  readonly options: Pick<Parts['options'], 'maxBytes'>
  readonly sizes: ReadonlyMap<string, IndexSize>
}

/** Days of which Elasticsearch has lines that can be archived, oldest first; where there is too much the oldest, too, before it is due. */
export function dueDays(
  parts: DueParts,
  tier: Pick<ArchiveTier, 'status' | 'sealed'>,
  { afterMs, nowMs }: { readonly afterMs: number; readonly nowMs: number },
): string[] {
  const { names, indices, counts, options, sizes } = parts
  const { damaged } = tier.status()
  const archived = new Set(tier.sealed.map(({ day }) => day.replaceAll('-', '.')))
  const kept = (day: string): string[] => indices.ofDay(day).filter((index) => !indices.isHidden(index))
  const days = indices.lines.flatMap((index) => {
    const { kind, day = '' } = names.parse(index) ?? {}
    return kind === 'lines' || kind === 'late' ? [day] : []
  })
  const today = dayOf(BigInt(nowMs) * 1_000_000n)
  // Sealed anew a damaged one would lack what is.
  const able = [...new Set(days)]
    .sort()
    .filter((day) => day < today && kept(day).some((index) => counts.records(index) > 0))
    .filter((day) => !damaged.some((name) => name.startsWith(day.replaceAll('.', '-'))))
  const isTight = bytesOf(sizes) > TIGHT_SHARE * (options.maxBytes ?? Number.POSITIVE_INFINITY)
  return able.filter((day) => {
    if (isTight && day === able[0]) return true
    const idleMs = archived.has(day) ? LATE_IDLE_MS : IDLE_MS
    const isOver = Number(timesOfDay(day).end / 1_000_000n) + afterMs <= nowMs
    return isOver && kept(day).every((index) => nowMs - counts.writtenMs(index) > idleMs)
  })
}

function bytesOf(sizes: ReadonlyMap<string, IndexSize>): number {
  return [...sizes.values()].reduce((sum, { bytes }) => sum + bytes, 0)
}
