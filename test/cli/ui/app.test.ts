import { render } from 'ink-testing-library'
import { createElement } from 'react'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { App, screenRows } from '../../../cli/ui/draw/app.ts'
import { Loop } from '../../../cli/ui/frames.ts'
import { Bare, LOOK, line, lines } from './state.ts'

afterEach(() => {
  vi.useRealTimers()
})

describe('the screen', () => {
  it('is drawn from the state, and takes keys', async () => {
    const { state } = new Bare(10).take(lines(20))
    const loop = new Loop(state, () => {})
    const { lastFrame, stdin, unmount } = render(createElement(App, { frames: loop }))
    const rows = lastFrame()?.split('\n') ?? []
    expect(rows).toHaveLength(10)
    expect(rows[7]).toBe(' line 19')
    expect(rows[8]).toMatch(/^ LIVE \| not judged yet \| no gaps \|/)
    // Ink listens a moment after its first frame; Home is the same key however often it is pressed.
    await vi.waitFor(() => {
      stdin.write('\x1b[H')
      expect(lastFrame()).toContain('>line 0')
    }, 10_000)
    unmount()
  })

  it('is drawn for keys at once, for lines ten times, and never more than twenty times a second', () => {
    vi.useFakeTimers()
    const loop = new Loop(new Bare(10).take(lines(20)).state, () => {})
    let frames = 0
    loop.subscribe(() => frames++)
    loop.press(['k'])
    vi.advanceTimersByTime(1)
    expect(frames).toBe(1)
    for (let ms = 0; ms < 1000; ms += 10) {
      loop.dispatch({ kind: 'lines', lines: lines(1) })
      vi.advanceTimersByTime(10)
    }
    expect(frames).toBeGreaterThan(8)
    expect(frames).toBeLessThanOrEqual(12)
    frames = 0
    for (let ms = 0; ms < 2000; ms += 10) {
      loop.press(['j'])
      vi.advanceTimersByTime(10)
    }
    expect(frames).toBeLessThanOrEqual(41)
  })

  it('is drawn again soon however many keys come at once', () => {
    vi.useFakeTimers()
    const loop = new Loop(new Bare(10).take(lines(20)).state, () => {})
    const times: number[] = []
    loop.subscribe(() => times.push(performance.now()))
    for (let ms = 0; ms < 2000; ms += 10) {
      loop.press(['j'])
      vi.advanceTimersByTime(10)
    }
    const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    expect(times.length).toBeLessThanOrEqual(41)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(60)
  })

  it.each([
    [80, 24],
    [200, 50],
    [30, 6],
  ])('fits %i x %i', (columns, rows) => {
    const ui = new Bare().take([line(0, { message: `\x1b[31m${'wide 日本語 '.repeat(100)}` }), ...lines(100, 1)])
    ui.happen({ kind: 'size', columns, rows })
    for (const key of ['w', '?', 'escape', 'enter', 'escape', 'h', 'escape', 'f']) {
      expect(screenRows(ui.press(key).state)).toHaveLength(rows)
    }
  })

  it('has no escape sequence without colour, and its own where there is', () => {
    const ui = new Bare().take([line(0, { message: '\x1b[31mred\x1b[2J', 'log.level': 'error' })])
    expect(screenRows(ui.state).join('')).not.toContain('\x1b')
    ui.state = { ...ui.state, look: { ...LOOK, hasColour: true } }
    expect(screenRows(ui.state).join('')).toContain('\x1b[31mred^[[2J')
  })
})
