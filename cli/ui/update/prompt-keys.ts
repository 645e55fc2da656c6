import type { Step } from '../event.ts'
import { jumpTime } from '../jump.ts'
import { settled } from '../scroll.ts'
import type { Prompt, State } from '../state.ts'
import { typed } from '../typing.ts'
import { sought } from './seek.ts'
import { jumped, narrowed } from './visit.ts'

/** A key while something is typed. */
export function promptKey(state: State, prompt: Prompt, key: string, now: number): Step<State> {
  if (key === 'escape') return [{ ...state, prompt: undefined }]
  if (key === 'enter') return entered(state, prompt, now)
  const next = typed(prompt, key)
  return [next === undefined ? state : { ...state, prompt: { ...next, error: '' } }]
}

function entered(state: State, { kind, text }: Prompt, now: number): Step<State> {
  const closed = { ...state, prompt: undefined }
  switch (kind) {
    case 'go':
      return text === '' ? [closed] : gone(state, text, now)
    case 'find':
      return found({ ...closed, look: { ...state.look, find: text } })
    case 'query':
      return text === state.scope.query ? [closed] : narrowed(closed, { ...state.scope, query: text.trim() })
    case 'save':
      return text === '' ? [closed] : [closed, { kind: 'save', path: text, lines: linesOf(state) }]
  }
}

function gone(state: State, text: string, now: number): Step<State> {
  const here = state.window.at(state.at)?.time ?? new Date(now).toISOString()
  try {
    const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone
    return jumped({ ...state, prompt: undefined }, jumpTime(text.trim(), here, now, zone))
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return [{ ...state, prompt: { kind: 'go', text, cursor: text.length, error: message } }]
  }
}

function found(state: State): Step<State> {
  if (state.look.find === '') return [settled(state)]
  const [next, ...effects] = sought({ ...state, at: state.at + 1 }, -1, undefined, 'match')
  // What is looked for stays marked where it is found or not.
  return [next.note === '' ? next : settled({ ...next, at: state.at, note: next.note }), ...effects]
}

function linesOf({ window }: State) {
  return Array.from({ length: window.size }, (_, index) => window.at(window.first + index)).filter(
    (line) => line !== undefined,
  )
}
