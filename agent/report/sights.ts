import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AgentStatus } from '../status.ts'
import type { EngineClock } from './engine-clock.ts'
import { MARGIN_NS, type Tails } from './tails.ts'
import type { Sight } from './watermark.ts'

/** What a sight is taken of. */
export interface SightOptions {
  readonly clock: Pick<EngineClock, 'isKnown' | 'now'>
  readonly status: Pick<AgentStatus, 'engine' | 'inspecting' | 'lines'>
  /** Of the round of following that runs; undefined while none does. */
  readonly tails: () => Tails | undefined
}

/**
 * Looks how far all that the engine has is read; undefined while that cannot be said, because the engine does not answer, or there are
 * containers that are not known yet.
 */
export async function takeSight(options: SightOptions): Promise<Sight | undefined> {
  const { clock, status, tails } = options
  const before = tails()
  if (before === undefined || !isAllKnown(options, before)) return undefined
  const now = clock.now()
  const sinceMs = performance.now()
  // What was there by now is read in the next turns of the event loop: a tail that still asks then had nothing to read.
  await nextTurn()
  await nextTurn()
  if (tails() !== before || !isAllKnown(options, before)) return undefined
  return { upTo: now - MARGIN_NS, behind: before.behind(now, sinceMs), handed: status.lines }
}

function isAllKnown({ clock, status }: SightOptions, tails: Tails): boolean {
  return clock.isKnown && status.engine === 'reachable' && tails.isListed && status.inspecting === 0
}
