import type { Logger } from 'pino'
import { greater } from '../bigint.ts'
import type { Parts } from './parts.ts'
import { expireSegments, hotOf, isHeld, isIdle, overdueIn } from './retention.ts'
import { beginning } from './status.ts'
import { trySealSegment } from './transaction.ts'

/** Expires what is too old or too much, and seals what is idle. */
export async function keepUp(parts: Parts, nowMs: number, log: Logger): Promise<void> {
  const { segments, serial, writer, engine, indexer, thinner, limits, gaps, archive } = parts
  indexer.start()
  const now = BigInt(nowMs) * 1_000_000n
  const held = new Set((await archive.holds()).map(({ day }) => day))
  await serial.run(async () => {
    const hasExpired = (await expireSegments(segments, limits, now, held, log)) > 0
    const start = hasExpired ? beginning(segments) : undefined
    if (limits.retention.isKnown)
      await gaps.expire(({ stream }) => greater(now - limits.retention.of(stream), start ?? 0n))
    for (const segment of segments.all) {
      const isFree = !segment.isReadOnly && segment.holder === undefined
      if (segment.isDirty && isFree && isIdle(segment, nowMs)) await trySealSegment(engine.writer, segment)
    }
    await writer.checkSpace()
  })
  const mayGo = hotOf(segments).filter((segment) => !isHeld(segment, held))
  await thinner.run(overdueIn(mayGo, limits, nowMs))
}
