import { comparePositions, type Position } from '../../../shared/record.ts'
import { type Source, storedTime } from './documents.ts'
import type { Entry } from './streams.ts'

/** Where a line stands among "the newest": by the time of its arrival, for all whose clock did not run ahead its own time. */
export interface Arrival extends Position {
  /** The time of arrival. */
  readonly time: bigint
}

/** The place of a line that was found, in the total order. */
export function positionOfSource(source: Source, { stream }: Entry): Position {
  return {
    time: storedTime(source),
    nodeId: stream.nodeId,
    containerId: stream.containerId,
    source: source['log.iostream'],
    ordinal: source['swarmlogs.ordinal'],
  }
}

/** The place of a line that was found, among the newest. */
export function arrivalOf(source: Source, entry: Entry): Arrival {
  const position = positionOfSource(source, entry)
  return source['swarmlogs.ahead'] ? { ...position, time: BigInt(source['swarmlogs.received']) } : position
}

/** Whether a line belongs to the newest, whose oldest stands at the cut. */
export function isAtCut(arrival: Arrival, cut: Arrival | undefined): boolean {
  return cut === undefined || comparePositions(arrival, cut) >= 0
}
