import type { ArchiveTier } from '../tiered/archive-tier.ts'
import { dayOf } from './names.ts'
import type { Parts } from './parts.ts'

/**
 * Days that are archived take new lines in other indices, and what is left of their old ones is not read: it is in the archive. Answers which
 * these are.
 * @param uuids of all indices that there are
 */
export function closeArchived(
  { names, indices, claim }: Pick<Parts, 'names' | 'indices' | 'claim'>,
  { sealed }: Pick<ArchiveTier, 'sealed'>,
  uuids: ReadonlyMap<string, string>,
): readonly string[] {
  const replaced = new Set(sealed.flatMap(({ replaces }) => replaces))
  indices.set([...uuids.keys()])
  const hidden = [...uuids].filter(([, uuid]) => replaced.has(uuid)).map(([index]) => index)
  for (const index of hidden) indices.hide(index)
  const days = new Set(sealed.map(({ day }) => day.replaceAll('-', '.')))
  // Whoever had the archive before may be about to finish one of these.
  if (claim.isTakenOver) for (const day of pastDays({ names, indices })) days.add(day)
  for (const day of days) indices.close(day)
  return hidden
}

function pastDays({ names, indices }: Pick<Parts, 'names' | 'indices'>): string[] {
  const today = dayOf(BigInt(Date.now()) * 1_000_000n)
  const parsed = indices.lines.flatMap((index) => names.parse(index) ?? [])
  return parsed.flatMap(({ kind, day = '' }) => ((kind === 'lines' || kind === 'late') && day < today ? [day] : []))
}
