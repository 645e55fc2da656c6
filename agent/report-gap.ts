import { type GapBounds, isLoss } from '../shared/gap.ts'
import { serviceName } from './enrich.ts'
import type { FollowOptions } from './follow-options.ts'
import type { Target } from './target.ts'

/** Counts a gap and says it in the agent's log, unless it is only a doubt. */
export function reportGap(
  target: Target,
  gap: GapBounds,
  { status, log }: Pick<FollowOptions, 'status' | 'log'>,
): void {
  if (!isLoss(gap)) return
  status.gaps += 1
  const [from, to] = [gap.from, gap.to].map((time) => new Date(Number(time / 1_000_000n)))
  const what = { service: serviceName(target), container: target.id, reason: gap.reason, from, to }
  log.warn(what, 'lines of a container could not be collected')
}
