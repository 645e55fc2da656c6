import { gridOf } from '../bars.ts'
import type { Step } from '../event.ts'
import type { State } from '../state.ts'
import { bars, jumped } from './visit.ts'

const MIN_RANGE_MS = 60_000
const MAX_RANGE_MS = 366 * 86_400_000

/** Begins to walk, at the newest bar. */
export function walking(state: State): Step<State> {
  return [{ ...state, strip: { ...state.strip, index: gridOf(state).count - 1 } }]
}

/** A key while one walks along the strip. */
export function stripKey(state: State, index: number, key: string): Step<State> {
  const { strip } = state
  const { count } = gridOf(state)
  const to = (wanted: number): Step<State> => {
    if (wanted < 0) return ranged(state, -1, count - 1)
    if (wanted >= count) return ranged(state, 1, 0)
    return [{ ...state, strip: { ...strip, index: wanted } }]
  }
  switch (key) {
    case 'left':
      return to(index - 1)
    case 'right':
      return to(index + 1)
    case '+':
    case 'up':
      return zoomed(state, index, 0.5)
    case '-':
    case 'down':
      return zoomed(state, index, 2)
    case 'enter':
      return jumped(away(state), new Date(barStart(state, index)).toISOString())
    case 'escape':
    case 'h':
      return [away(state)]
    default:
      return [{ ...state, note: 'left and right walk, + and - zoom, Enter goes there, Esc leaves the strip' }]
  }
}

/** When a bar begins, ms since 1970. */
export function barStart(state: Pick<State, 'strip' | 'columns'>, index: number): number {
  const { from, length } = gridOf(state)
  return from + index * length
}

function ranged(state: State, direction: 1 | -1, index: number): Step<State> {
  const { from, to } = state.strip
  const by = direction * (to - from)
  return asked({ ...state, strip: { ...state.strip, from: from + by, to: to + by, index } })
}

/** Half or twice the time, with the bar one is at in its middle. */
function zoomed(state: State, index: number, factor: number): Step<State> {
  const { from, to } = state.strip
  const length = Math.min(MAX_RANGE_MS, Math.max(MIN_RANGE_MS, (to - from) * factor))
  const start = Math.round(barStart(state, index) - length / 2)
  const moved = { ...state, strip: { ...state.strip, from: start, to: start + length } }
  return asked({ ...moved, strip: { ...moved.strip, index: Math.floor(gridOf(moved).count / 2) } })
}

function asked(state: State): Step<State> {
  return [state, bars(state)]
}

function away(state: State): State {
  return { ...state, strip: { ...state.strip, index: undefined } }
}
