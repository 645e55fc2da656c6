import type { LogStream } from '../../shared/record.ts'
import type { StreamDay } from './store.ts'

/** Lines of a container that are missing in a copy. */
export interface Shortfall {
  readonly stream: LogStream
  /** '' when it cannot be told by day. */
  readonly day: string
  readonly wanted: number
  readonly found: number
}

interface Held {
  readonly stream: LogStream
  readonly byDay: Map<string, number>
}

/** Where a copy has fewer lines than its original, by container and day. More are fine: agents may have begun to send to it. */
export function shortfalls(original: readonly StreamDay[], copy: readonly StreamDay[]): Shortfall[] {
  const copied = heldOf(copy)
  return [...heldOf(original)].flatMap(([key, { stream, byDay }]) => {
    const found = copied.get(key)?.byDay ?? new Map<string, number>()
    // A line that was far ahead of its time when it came need not be any more: which day it is in can differ.
    const days = byDay.has('') || found.has('') ? [''] : [...byDay.keys()]
    return days
      .map((day) => ({ stream, day, wanted: recordsOf(byDay, day), found: recordsOf(found, day) }))
      .filter((one) => one.found < one.wanted)
  })
}

/** By container, whatever its other labels have become: the lines of one are known by it. */
function heldOf(days: readonly StreamDay[]): ReadonlyMap<string, Held> {
  const held = new Map<string, Held>()
  for (const { stream, day, records } of days) {
    const { containerId, nodeId, service, tag } = stream
    const key = containerId === '' ? JSON.stringify([nodeId, service, tag]) : containerId
    const known = held.get(key) ?? { stream, byDay: new Map() }
    known.byDay.set(day, (known.byDay.get(day) ?? 0) + records)
    held.set(key, known)
  }
  return held
}

function recordsOf(byDay: ReadonlyMap<string, number>, day: string): number {
  return day === '' ? [...byDay.values()].reduce((sum, records) => sum + records, 0) : (byDay.get(day) ?? 0)
}
