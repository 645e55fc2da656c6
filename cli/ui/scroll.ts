import { bodyHeight, placeBelow, sight, topAbove } from './sight.ts'
import type { State } from './state.ts'

/** The newest line at the bottom, and kept there. */
export function toEnd(state: State): State {
  const { last } = state.window
  return { ...state, isFollowing: true, at: last, top: topAbove(state, last, bodyHeight(state)) }
}

/** Follows no longer; all stays where it is. */
export function paused(state: State): State {
  return { ...state, isFollowing: false }
}

/** At another line; the screen moves as little as that takes. */
export function toLine(state: State, wanted: number): State {
  const { window } = state
  const at = Math.max(window.first, Math.min(window.last, wanted))
  return inSight({ ...paused(state), at })
}

/** At another line, with it in the middle of the screen. */
export function toMiddle(state: State, number: number): State {
  const moved = { ...paused(state), at: number }
  return filled({ ...moved, top: topAbove(moved, number, Math.ceil(bodyHeight(state) / 2)) })
}

/** The screen moves by rows; the line one is at moves along when it would be out of sight. */
export function byRows(state: State, rows: number): State {
  const edge = { number: state.window.first, row: 0 }
  const top = placeBelow(state, state.top, rows) ?? (rows < 0 ? edge : topAbove(state, state.window.last, 1))
  const moved = filled({ ...paused(state), top })
  const shown = sight(moved)
  const [first, last] = [shown[0]?.number ?? moved.at, shown.at(-1)?.number ?? moved.at]
  const isEdge = rows < 0 ? moved.top.number === edge.number && moved.top.row === 0 : last === state.window.last
  // A page that cannot move any further still gets to the last line in its direction.
  if (isEdge && state.top.number === moved.top.number && state.top.row === moved.top.row)
    return { ...moved, at: rows < 0 ? first : last }
  return { ...moved, at: Math.max(first, Math.min(last, moved.at)) }
}

/** After lines went or came, or the screen has another size: the same lines in sight as far as they are there. */
export function settled(state: State): State {
  if (state.isFollowing) return toEnd(state)
  const { first, last } = state.window
  const at = Math.max(first, Math.min(last, state.at))
  const top = state.top.number < first ? { number: first, row: 0 } : state.top
  return inSight({ ...state, at, top })
}

/** Moves the screen just so far that the line one is at is in sight. */
function inSight(state: State): State {
  const { at, top } = state
  if (at < top.number || (at === top.number && top.row > 0)) return { ...state, top: { number: at, row: 0 } }
  const isShown = sight(state).some(({ number }) => number === at + 1) || sight(state).at(-1)?.number === at
  return isShown ? filled(state) : { ...state, top: topAbove(state, at, bodyHeight(state)) }
}

/** No empty rows at the bottom while there are lines above. */
function filled(state: State): State {
  const height = bodyHeight(state)
  if (sight(state).length >= height) return state
  return { ...state, top: topAbove(state, state.window.last, height) }
}
