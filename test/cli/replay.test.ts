import { describe, expect, it } from 'vitest'
import { clockUntil, parseSpeed, replay, type Timed, timedLines } from '../../cli/replay.ts'
import { frame } from './scripted.ts'

const at = (ms: number) => new Date(ms).toISOString().replace('Z', '000000Z')
const line = (timeMs: number): Timed => ({ ns: BigInt(timeMs) * 1_000_000n })

async function* batches(...lists: Timed[][]) {
  yield* lists
}

describe('timedLines', () => {
  it('takes whole lines apart, wherever the stream is cut', async () => {
    const stream = Buffer.concat([
      frame(1, `${at(1000)} out\n${at(2000)} `),
      frame(1, 'half\n'),
      frame(2, `${at(3000)} err\n`),
      frame(4, '{"completeness":{}}'),
    ])
    for (const size of [1, 7, 50, 1000]) {
      async function* pieces() {
        for (let from = 0; from < stream.length; from += size) yield Buffer.from(stream.subarray(from, from + size))
      }
      const found: unknown[] = []
      for await (const lines of timedLines(pieces()))
        found.push(...lines.map(({ source, ns, text }) => [source, Number(ns / 1_000_000n), text.toString()]))
      expect(found).toEqual([
        ['stdout', 1000, 'out\n'],
        ['stdout', 2000, 'half\n'],
        ['stderr', 3000, 'err\n'],
      ])
    }
  })
})

describe('replay', () => {
  it('shows lines when it is their turn, faster, and with no long silence', async () => {
    let now = 100
    const clock = {
      nowMs: () => now,
      wait: async (ms: number) => {
        now += ms
      },
    }
    const shown: unknown[] = []
    const lists = [
      [line(0), line(0), line(5_000)],
      [line(4_000), line(10_000), line(900_000)],
    ]
    for await (const group of replay(batches(...lists), { speed: 10, maxPauseMs: 3_000 }, clock))
      shown.push([now - 100, group.map(({ item, offsetMs }) => [Number(item.ns / 1_000_000n), offsetMs])])
    expect(shown).toEqual([
      [
        0,
        [
          [0, 0],
          [0, 0],
        ],
      ],
      [500, [[5_000, 500]]],
      [500, [[4_000, 500]]],
      [1_000, [[10_000, 1_000]]],
      [4_000, [[900_000, 4_000]]],
    ])
  })

  it('ends in the midst of a pause when the signal comes', async () => {
    const stop = new AbortController()
    const lines = replay(
      batches([line(0), line(3_600_000)]),
      { speed: 1, maxPauseMs: 3_600_000 },
      clockUntil(stop.signal),
    )
    expect((await lines.next()).done).toBe(false)
    const next = lines.next()
    stop.abort()
    await expect(next).rejects.toThrow(/aborted/)
  })

  it.each([
    ['10x', 10],
    ['0.5', 0.5],
    ['max', Number.POSITIVE_INFINITY],
  ])('takes %s for a speed', (text, speed) => {
    expect(parseSpeed(text)).toBe(speed)
  })

  it.each(['0', '-1', 'x', '1y'])('takes %s for none', (text) => {
    expect(() => parseSpeed(text)).toThrow('give a factor such as 10x, or max')
  })
})
