import type { Engine } from './engine.ts'
import { dockerTime, eventsBy } from './events.ts'

/** The engine keeps so many events, in memory. */
const KEPT_EVENTS = 256
/** All events are younger. */
const FIRST = 1_000_000_000n

/** What was known of the engine before the events are asked for anew. */
export interface Watched {
  /** All that came and went up to this time of the engine's clock. */
  readonly upTo: bigint
  /** The engine held events by then, which only a restart makes it forget at once; false too when it is known to be no loss. */
  readonly hadEvents: boolean
}

/** What the events that the engine holds say. */
export interface HeldEvents {
  readonly isAny: boolean
  /** Containers may have come and gone in this time, and no event tells of them any more. */
  readonly hole?: { readonly from: bigint; readonly to: bigint }
}

/** Looks whether the engine still holds all events since a time; undefined when it does not say what time it has. */
export async function heldEvents(
  engine: Engine,
  { upTo, hadEvents }: Watched,
  signal: AbortSignal,
): Promise<HeldEvents | undefined> {
  const { SystemTime = '' } = (await engine.get('/info', {}, signal)) as { SystemTime?: string }
  const nowMs = Date.parse(SystemTime)
  if (Number.isNaN(nowMs)) return undefined
  const now = BigInt(nowMs) * 1_000_000n
  // Of all kinds, as the bound is for all of them; up to now, so that the answer ends.
  const query = { since: dockerTime(FIRST), until: dockerTime(now) }
  let count = 0
  let oldest = now
  for await (const event of await eventsBy(engine, query, signal)) {
    const { timeNano } = event as { readonly timeNano?: number }
    if (count === 0 && timeNano !== undefined) oldest = BigInt(timeNano)
    count += 1
  }
  const isForgotten = count >= KEPT_EVENTS || hadEvents
  return { isAny: count > 0, ...(isForgotten && oldest > upTo && { hole: { from: upTo, to: oldest } }) }
}
