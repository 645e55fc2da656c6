import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Pace } from '../../../agent/tail/pace.ts'

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
