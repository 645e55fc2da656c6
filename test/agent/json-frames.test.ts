import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JsonFrames } from '../../agent/json-frames.ts'

interface Taken {
  readonly type: number
  readonly text: string
}

/** What is taken of a log that comes in pieces that end at these places. */
function take(log: Buffer, ends: readonly number[] = []): Taken[] {
  const taken: Taken[] = []
  const frames = new JsonFrames((type, buffer, start, end, first, last) => {
    expect([first, last]).toEqual([true, true])
    taken.push({ type, text: buffer.toString('utf8', start, end) })
  })
  let at = 0
  for (const end of [...ends.map((one) => one % log.length).sort((a, b) => a - b), log.length]) {
    frames.push(log.subarray(at, end))
    at = end
  }
  return taken
}

const logOf = (records: readonly object[]): Buffer =>
  Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''))

const Timestamp = '2026-11-21T02:38:11.3864Z'

describe('logs as JSON', () => {
  it('are the frames that the multiplexed stream would have, however they are torn', () => {
    const records = fc.array(
      fc.record({ Line: fc.string({ unit: 'grapheme' }), Source: fc.constantFrom('stdout', 'stderr') }),
      { minLength: 1 },
    )
    fc.assert(
      fc.property(records, fc.array(fc.nat()), (some, ends) => {
        const wanted = some.map(({ Line, Source }) => ({
          type: Source === 'stdout' ? 1 : 2,
          text: Buffer.from(`${Timestamp} ${Line}`).toString(),
        }))
        expect(take(logOf(some.map((one) => ({ ...one, Timestamp }))), ends)).toEqual(wanted)
      }),
    )
  })

  it('hold empty messages, attributes, and parts of which the engine says so', () => {
    const log = logOf([
      { Source: 'stdout', Timestamp },
      { Line: 'a\n', Source: 'stderr', Timestamp, Attrs: [{ Key: 'k', Value: 'v' }] },
      { Line: 'b', Source: 'stdout', Timestamp, MetaData: { Last: false, ID: 'x', Ordinal: 1 } },
    ])
    expect(take(log).map(({ text }) => text)).toEqual([`${Timestamp} `, `${Timestamp} a\n`, `${Timestamp} b`])
  })

  it('tell errors of the engine apart from lines', () => {
    const log = logOf([{ Timestamp: '0001-01-01T00:00:00Z', Error: 'error decoding message' }])
    expect(take(log)).toEqual([{ type: 3, text: 'error decoding message' }])
  })

  it.each([
    ['no JSON', '2026-11-21T02:38:11Z bare\n'],
    ['no object', '7\n'],
    ['an object of another kind', '{"message":"page not found"}\n'],
  ])('are refused when they are %s', (_, text) => {
    expect(() => take(Buffer.from(text))).toThrow(/no record of format=json/)
  })

  it('are refused when a record does not end', () => {
    expect(() => take(Buffer.alloc(5 * 2 ** 20, 'x'))).toThrow(/more than 4194304 bytes/)
  })
})
