import type { Step } from '../event.ts'
import type { Line } from '../line.ts'
import { hasMatch } from '../look.ts'
import { toMiddle } from '../scroll.ts'
import type { State } from '../state.ts'

/** To the next (1) or previous (-1) line that is wanted; `wants` undefined: that has what is looked for. */
export function sought(
  state: State,
  by: 1 | -1,
  wants: ((line: Line) => boolean) | undefined,
  what: string,
): Step<State> {
  const { find } = state.look
  if (wants === undefined && find === '') return [{ ...state, note: 'nothing is looked for yet: / says what' }]
  const isWanted = wants ?? ((line: Line) => hasMatch(line, find))
  for (let number = state.at + by; ; number += by) {
    const line = state.window.at(number)
    if (line === undefined) break
    if (isWanted(line)) return [toMiddle(state, number)]
  }
  const side = by > 0 ? 'after' : 'before'
  return [{ ...state, note: `no ${what} ${side} this one among the ${state.window.size} lines in memory` }]
}
