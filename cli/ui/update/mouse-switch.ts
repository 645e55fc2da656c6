import type { Step } from '../event.ts'
import type { State } from '../state.ts'

/** Turns the mouse on or off. */
export function mouseSwitched(state: State): Step<State> {
  const hasMouse = !state.hasMouse
  const note = hasMouse
    ? 'mouse on: the wheel scrolls, a click selects, another opens; most terminals mark text with shift'
    : 'mouse off'
  return [
    { ...state, hasMouse, note },
    { kind: 'mouse', isOn: hasMouse },
  ]
}
