import type { Step } from '../event.ts'
import type { State } from '../state.ts'

/** Puts a text into the terminal's clipboard, and says so. */
export function copied(state: State, text: string, what: string): Step<State> {
  return [
    { ...state, note: `copied ${what}, if the terminal allows it (OSC 52)` },
    { kind: 'copy', text },
  ]
}
