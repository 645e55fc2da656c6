import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Line } from '../../../agent/lines.ts'
import { mostFileBytesOf, Pace } from '../../../agent/tail/pace.ts'

const FILE_BYTES = 16_000_000

describe('the pace of a log', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
  afterEach(() => void vi.useRealTimers())

  /** So many bytes come in a second. */
  const second = (pace: Pace, bytes: number) => {
    pace.note(0, bytes)
    vi.advanceTimersByTime(1001)
  }

  it('is fast when it fills a file in four seconds, and until it takes sixteen', () => {
    const pace = new Pace(FILE_BYTES)
    const seen = [3.5, 4.5, 1.5, 0.5, 1.5].map((megabytes) => {
      second(pace, megabytes * 1_000_000)
      return pace.isFast()
    })
    expect(seen).toEqual([false, true, true, false, false])
  })

  it('is fast before a second is over, if it fills the file by then', () => {
    const pace = new Pace(FILE_BYTES)
    pace.note(1, 5_000_000)
    expect(pace.isFast()).toBe(true)
  })

  it('of a log that is never rotated is never fast', () => {
    const pace = new Pace(Number.POSITIVE_INFINITY)
    pace.note(1, 1e9)
    expect(pace.isFast()).toBe(false)
  })
})

describe('the most bytes that a line takes in a file', () => {
  const line = (text: string | Buffer, cutFrom = 0) => ({ message: Buffer.from(text), cutFrom }) as Line

  it.each<[string, Line]>([
    ['plain text', line('GET /index.html 200')],
    ['quotes, tags and colours', line('\x1b[31m"a" \\ <b> & c\x1b[0m')],
    ['other letters', line('Größe \u2028 日本')],
    ['no text', line('')],
    ['more than a part', line('x'.repeat(40_000))],
  ])('of %s is no less than Docker writes', (_, one) => {
    const text = one.message.toString()
    const parts = Array.from({ length: Math.floor(text.length / 16_384) + 1 }, (_, i) => text.slice(i * 16_384))
    const time = '2026-11-22T16:36:46.425016441Z'
    const written = parts.map(
      (part) => `${JSON.stringify({ log: `${part.slice(0, 16_384)}\n`, stream: 'stdout', time })}\n`,
    )
    // Go writes these as six characters.
    const escaped = written.join('').replace(/[<>&\u2028]/g, '\\u0000')
    expect(mostFileBytesOf([one])).toBeGreaterThanOrEqual(Buffer.byteLength(escaped))
  })

  it('counts what was cut off, and bytes that are no text', () => {
    expect(mostFileBytesOf([line('x'.repeat(1 << 20), 5 << 20)])).toBeGreaterThan(20 << 20)
    expect(mostFileBytesOf([line(Buffer.alloc(100, 0xff))])).toBeGreaterThan(600)
  })
})
