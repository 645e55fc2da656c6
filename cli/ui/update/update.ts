import type { Event, Step } from '../event.ts'
import { settled } from '../scroll.ts'
import type { State } from '../state.ts'
import { detailKey } from './detail-keys.ts'
import { linesKey } from './lines-keys.ts'
import { moused } from './mouse-steps.ts'
import { pickerKey } from './picker-keys.ts'
import { promptKey } from './prompt-keys.ts'
import { serverEvent } from './server-events.ts'
import { stripKey } from './strip-keys.ts'

const EXIT_INTERRUPTED = 130

/** The state after an event, and what is to be done. */
export function update(state: State, event: Event): Step<State> {
  if (event.kind === 'size') return [settled({ ...state, columns: event.columns, rows: event.rows })]
  if (event.kind === 'mouse') return moused(state, event.mouse)
  if (event.kind !== 'key') return serverEvent(state, event)
  if (event.key === 'ctrl-c') return [state, { kind: 'quit', code: EXIT_INTERRUPTED }]
  return keyStep({ ...state, note: '' }, event.key, event.now)
}

/** Who is in front takes the key. */
function keyStep(state: State, key: string, now: number): Step<State> {
  if (state.isHelp) return [{ ...state, isHelp: false }]
  if (state.prompt !== undefined) return promptKey(state, state.prompt, key, now)
  if (state.picker !== undefined) return pickerKey(state, state.picker, key)
  if (state.detail !== undefined) return detailKey(state, state.detail, key)
  if (state.strip.index !== undefined) return stripKey(state, state.strip.index, key)
  return linesKey(state, key)
}
