import type { Effect, Step } from '../event.ts'
import { isError, type Line } from '../line.ts'
import { hasMatch } from '../look.ts'
import { ERRORS, textQuery, withQuery } from '../query.ts'
import { paused, settled, toMiddle } from '../scroll.ts'
import type { State } from '../state.ts'

/** What can be looked for, line by line. */
export type Wanted = 'error' | 'match'

/** To the next (1) or previous (-1) line that is wanted: among those in memory, else wherever the server has one. */
export function sought(state: State, by: 1 | -1, wanted: Wanted): Step<State> {
  const { find } = state.look
  if (wanted === 'match' && find === '') return [{ ...state, note: 'nothing is looked for yet: / says what' }]
  for (let number = state.at + by; ; number += by) {
    const line = state.window.at(number)
    if (line === undefined) break
    if (wanted === 'error' ? isError(line) : hasMatch(line, find)) return [toMiddle(state, number)]
  }
  return beyond(state, by, wanted)
}

/** To the newest line with what is looked for, up to the one that one is at; the marks are there in any case. */
export function found(state: State, find: string): Step<State> {
  const marked = settled({ ...state, look: { ...state.look, find } })
  const line = state.window.at(state.at)
  if (find === '' || line === undefined) return [marked]
  return hasMatch(line, find) ? [toMiddle(paused(marked), state.at)] : sought(marked, -1, 'match')
}

function beyond(state: State, by: 1 | -1, wanted: Wanted): Step<State> {
  const { window, mode, scope, look } = state
  const edge = window.at(by > 0 ? window.last : window.first)
  const nowhere = by > 0 ? `no ${wanted} after this one` : `no ${wanted} before this one`
  // Behind the newest of the live lines there is nothing yet.
  if (edge === undefined || (by > 0 && mode === 'live')) return [{ ...state, note: nowhere }]
  const query = withQuery(scope.query, wanted === 'error' ? ERRORS : textQuery(look.find))
  return [{ ...state, note: `looking for the ${by > 0 ? 'next' : 'last'} ${wanted} ...` }, seek(edge)]

  function seek(line: Line): Effect {
    return { kind: 'seek', scope: { ...scope, query }, time: line.time, by, nowhere }
  }
}
