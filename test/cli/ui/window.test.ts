import { describe, expect, it } from 'vitest'
import { LineWindow } from '../../../cli/ui/window.ts'
import { lines } from './state.ts'

const texts = (window: LineWindow) =>
  Array.from({ length: window.size }, (_, index) => window.at(window.first + index)?.text)

describe('the lines in memory', () => {
  it('are bounded by their number: the oldest go, and numbers stay', () => {
    const window = new LineWindow({ lines: 3, characters: 1e9 })
    window.push(lines(5))
    expect(texts(window)).toEqual(['line 2', 'line 3', 'line 4'])
    expect([window.first, window.last, window.isFull]).toEqual([2, 4, true])
    expect(window.at(1)).toBeUndefined()
  })

  it('are bounded by what they take', () => {
    const [{ json = '' } = {}] = lines(1)
    const window = new LineWindow({ lines: 100, characters: 2 * json.length })
    window.push(lines(5))
    expect(texts(window)).toEqual(['line 3', 'line 4'])
  })

  it('take older lines only as long as there is room', () => {
    const window = new LineWindow({ lines: 4, characters: 1e9 })
    window.push(lines(2, 10))
    expect(window.prepend(lines(3, 7))).toBe(2)
    expect(texts(window)).toEqual(['line 8', 'line 9', 'line 10', 'line 11'])
    expect(window.at(0)?.text).toBe('line 10')
  })

  it('never have the number of a line that was forgotten', () => {
    const window = new LineWindow()
    window.push(lines(3))
    window.clear()
    window.push(lines(1))
    expect(window.first).toBe(3)
  })

  it('stay right over many that come and go', () => {
    const window = new LineWindow({ lines: 10, characters: 1e9 })
    for (let from = 0; from < 20_000; from += 7) window.push(lines(7, from))
    expect(window.size).toBe(10)
    expect(window.at(window.last)?.text).toBe(`line ${window.last}`)
  })
})
