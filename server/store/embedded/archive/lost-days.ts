import { ANY_NODE, type Gap } from '../../../../shared/gap.ts'
import type { ArchiveFolder } from '../../../archive/folder.ts'
import type { Retention } from '../../../retention.ts'

const NS_PER_DAY = 86_400_000_000_000n

/** The days whose manifests are all damaged, as gaps: of what they had lines nobody knows. Those that would have expired by now are no loss. */
export function lostDays({ unreadable }: ArchiveFolder, retention: Retention, nowMs = Date.now()): Gap[] {
  const kept = BigInt(nowMs) * 1_000_000n - retention.longestNs
  return unreadable.flatMap((day): Gap[] => {
    const from = BigInt(Date.parse(day)) * 1_000_000n
    const to = from + NS_PER_DAY - 1n
    return to < kept ? [] : [{ stream: ANY_NODE, from, to, reason: 'damaged', atLeast: 0 }]
  })
}
