import { SwarmlogsError } from '../../shared/errors.ts'
import type { GapBounds } from '../../shared/gap.ts'
import type { Line } from '../lines.ts'
import { gapBetween, nanosOf, nanosOfLine, oldestWanted } from './gaps.ts'
import { type Look, lookFor } from './hole.ts'
import type { TailContext } from './piece.ts'

/** Attributes of the container may make lines take so many times as much of a file as is counted. */
const OVERHEAD = 4
/** A burst is no measure of how fast a log grew before it. */
const SHORTEST_NS = 1_000_000_000n
/** A follow shows each line that is printed so long after it was asked for. */
const OPENED_NS = 1_000_000_000n

/** The first line that was read of a log; `began`: when a follow was asked for that showed it, nanoseconds since 1970. */
export interface Beginning {
  readonly first: Line
  readonly began?: bigint | undefined
}

/**
 * What may be lost of a container that is to be read from its start, before the first line that was read (absent: that which its log begins
 * with now): it may have printed so fast that the engine threw away what it had printed first, which the log does not show.
 */
export async function lostBefore(context: TailContext, read?: Beginning): Promise<GapBounds[]> {
  if (context.fileBytes === undefined) return []
  const look = await lookFor(context, []).catch((error: unknown) => {
    // Nobody can tell any more; the line that was read is here all the same.
    if (error instanceof SwarmlogsError && error.code === 'SWARMLOGS_NOT_FOUND') return undefined
    throw error
  })
  const first = read?.first ?? look?.first
  if (!look || !first || seemsWhole(context, context.fileBytes, look, { first, began: read?.began })) return []
  const [from, to] = [oldestWanted(context.born, context.horizon), nanosOfLine(first)]
  return from < to ? [gapBetween(from, to, 'rotated')] : []
}

/** All files but the newest are full before the engine throws one away; of a single file nothing remains then, so it goes by how fast that grows. */
function seemsWhole(
  { files, born, hasAttributes }: TailContext,
  fileBytes: number,
  { bytes, last }: Look,
  { first, began }: Beginning,
): boolean {
  if (files > 1) return bytes * (hasAttributes ? OVERHEAD : 1) < (files - 1) * fileBytes
  const from = nanosOfLine(first)
  if (began !== undefined && from > began + OPENED_NS) return true
  const shown = last ? nanosOf([last.seconds, last.nanos]) - from : 0n
  const perNano = bytes / Number(shown > SHORTEST_NS ? shown : SHORTEST_NS)
  return perNano * Number(from - born) * OVERHEAD < fileBytes
}
