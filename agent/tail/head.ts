import type { GapBounds } from '../../shared/gap.ts'
import type { Line } from '../lines.ts'
import { gapBetween, nanosOf, nanosOfLine, oldestWanted } from './gaps.ts'
import { type Look, lookFor } from './hole.ts'
import type { TailContext } from './piece.ts'

/** A line takes as much more of a file than we count, at most, for labels and escapes. */
const OVERHEAD = 4
/** A log that begins with a burst is no measure of how fast it grew before. */
const SHORTEST_NS = 100_000_000n

/**
 * What may be lost of a container that is to be read from its start, before the first line that was read (absent: that its log begins with now):
 * it may have printed so fast that the engine threw away what it had printed first, which the log does not show.
 */
export async function lostBefore(context: TailContext, read?: Line): Promise<GapBounds[]> {
  if (context.fileBytes === undefined) return []
  // That line is there, whatever became of the container since.
  const look = await lookFor(context, []).catch(() => undefined)
  const first = read ?? look?.first
  if (!look || !first || mustBeWhole(context, context.fileBytes, look, first)) return []
  const [from, to] = [oldestWanted(context.born, context.horizon), nanosOfLine(first)]
  return from < to ? [gapBetween(from, to, 'rotated')] : []
}

/** All files but the newest are full before the engine throws one away; of a single file nothing remains then, so it goes by how fast that grows. */
function mustBeWhole({ files, born }: TailContext, fileBytes: number, { bytes, last }: Look, first: Line): boolean {
  if (files > 1) return bytes * OVERHEAD < (files - 1) * fileBytes
  const from = nanosOfLine(first)
  const shown = last ? nanosOf([last.seconds, last.nanos]) - from : 0n
  const perNano = bytes / Number(shown > SHORTEST_NS ? shown : SHORTEST_NS)
  return perNano * Number(from - born) * OVERHEAD < fileBytes
}
