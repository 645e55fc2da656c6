import { barRoom, gridOf } from '../bars.ts'
import type { Step } from '../event.ts'
import type { Mouse } from '../mouse.ts'
import { toLine } from '../scroll.ts'
import { BODY_ROW, bodyHeight, CHROME_ROWS, STRIP_ROW, sight } from '../sight.ts'
import type { Picker, State } from '../state.ts'
import { detailKey, opened } from './detail-keys.ts'
import { paged } from './lines-keys.ts'
import { firstOffered, offered, pickerKey } from './picker-keys.ts'
import { stripKey } from './strip-keys.ts'

const WHEEL_ROWS = 3
/** Where the bars of the strip begin, behind its first time. */
const BARS_COLUMN = 10

/** The wheel scrolls what is in front; a click selects there, and one on what is selected is Enter. */
export function moused(before: State, mouse: Mouse): Step<State> {
  if (before.isHelp || before.prompt !== undefined || mouse.kind === 'other') return [before]
  const state = { ...before, note: '' }
  if (mouse.kind === 'wheel') return wheeled(state, mouse.by)
  // On a screen with too few rows the first ones are not shown.
  const row = mouse.row + Math.max(0, bodyHeight(state) + CHROME_ROWS - state.rows)
  if (row === STRIP_ROW) return onStrip(state, mouse.column)
  const place = row - BODY_ROW
  if (place < 0 || place >= bodyHeight(state) || state.detail !== undefined) return [state]
  return state.picker === undefined ? onLines(state, place) : onPicker(state, state.picker, place)
}

function wheeled(state: State, by: 1 | -1): Step<State> {
  const key = by > 0 ? 'down' : 'up'
  if (state.picker !== undefined) return pickerKey(state, state.picker, key)
  if (state.detail !== undefined) return detailKey(state, state.detail, key)
  return state.isFollowing && by > 0 ? [state] : paged(state, by * WHEEL_ROWS)
}

function onLines(state: State, place: number): Step<State> {
  const number = sight(state)[place]?.number
  if (number === undefined) return [state]
  return [number === state.at && !state.isFollowing ? opened(state) : toLine(state, number)]
}

/** The first row of a picker is its title. */
function onPicker(state: State, picker: Picker, place: number): Step<State> {
  const index = firstOffered(picker, bodyHeight(state)) + place - 1
  if (place === 0 || index >= offered(picker).length) return [state]
  return index === picker.index ? pickerKey(state, picker, 'enter') : [{ ...state, picker: { ...picker, index } }]
}

function onStrip(state: State, column: number): Step<State> {
  const { count } = gridOf(state)
  const width = Math.max(1, Math.floor(barRoom(state) / count))
  const index = Math.floor((column - BARS_COLUMN) / width)
  if (index < 0 || index >= count || state.picker !== undefined || state.detail !== undefined) return [state]
  if (index === state.strip.index) return stripKey(state, index, 'enter')
  return [{ ...state, strip: { ...state.strip, index } }]
}
