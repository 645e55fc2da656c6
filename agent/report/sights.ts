import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AgentStatus } from '../status.ts'
import type { EngineClock } from './engine-clock.ts'
import { MARGIN_NS, type Tails } from './tails.ts'
import type { Sight } from './watermark.ts'

/** What reads, and how many lines and gaps it has handed on. */
export interface Reading {
  readonly tails: Tails | undefined
  readonly handed: number
}

/** What a sight is taken of. */
export interface SightOptions {
  readonly clock: Pick<EngineClock, 'isKnown' | 'now'>
  readonly status: Pick<AgentStatus, 'engine' | 'inspecting'>
  /** Its tails are of the round of following that runs; undefined while none does. */
  readonly collection: () => Reading | undefined
}

/**
 * Looks how far all that the engine has is read; undefined while that cannot be said, because the engine does not answer, or there are
 * containers that are not known yet.
 */
export async function takeSight(options: SightOptions): Promise<Sight | undefined> {
  const { clock, collection } = options
  const before = collection()?.tails
  if (before === undefined || !isAllKnown(options, before)) return undefined
  const now = clock.now()
  const sinceMs = performance.now()
  // What was there by now is read in the next turns of the event loop: a tail that still asks then had nothing to read.
  await nextTurn()
  await nextTurn()
  const reading = collection()
  if (reading?.tails !== before || !isAllKnown(options, before)) return undefined
  return { upTo: now - MARGIN_NS, behind: before.behind(now, sinceMs), handed: reading.handed }
}

function isAllKnown({ clock, status }: SightOptions, tails: Tails): boolean {
  return (
    clock.isKnown && status.engine === 'reachable' && tails.isListed && tails.untold === 0 && status.inspecting === 0
  )
}
