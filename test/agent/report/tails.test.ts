import { describe, expect, it } from 'vitest'
import { Followed } from '../../../agent/followed.ts'
import { Tails } from '../../../agent/report/tails.ts'
import type { Piece } from '../../../agent/tail/piece.ts'
import { BEGINNING } from '../../../agent/tail/place.ts'
import { targetOf } from '../targets.ts'

const SECOND = 1_000_000_000n
const NOW = 1_800_000_000n * SECOND

describe('Tails', () => {
  it.each([
    ['just now: it is not behind', 0n, undefined],
    ['a minute ago: it is behind', -60n, NOW - 61n * SECOND],
    ['in an hour, by a clock that was ahead: nothing is known', 3_600n, 0n],
  ])('a reader that is busy, and read a line of %s', async (_, ago, upTo) => {
    const tails = new Tails()
    const at = NOW + ago * SECOND
    const last = { stdout: [Number(at / SECOND), 0, 0] as const }
    const progress = { format: 1, live: { ...BEGINNING, last }, history: null }
    const followed = new Followed(targetOf(), progress, [0, 0])
    const stop = new AbortController()
    const reading = tails.over(followed, neverRead(stop.signal), stop.signal).next()
    const behind = tails.behind(NOW, performance.now())
    expect(behind.get(followed.target.id)?.upTo).toBe(upTo)
    stop.abort()
    await reading
  })
})

/** A tail that has not come to its lines yet. */
async function* neverRead(signal: AbortSignal): AsyncGenerator<Piece, void> {
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}
