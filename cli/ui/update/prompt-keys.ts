import { QueryError } from '../../../shared/query/error.ts'
import { parseQuery } from '../../../shared/query/parse.ts'
import { completed } from '../complete.ts'
import type { Step } from '../event.ts'
import { jumpTime } from '../jump.ts'
import type { Prompt, State } from '../state.ts'
import { typed } from '../typing.ts'
import { found } from './seek.ts'
import { jumped, narrowed } from './visit.ts'

/** A key while something is typed. */
export function promptKey(state: State, prompt: Prompt, key: string, now: number): Step<State> {
  if (key === 'escape') return [{ ...state, prompt: undefined }]
  if (key === 'enter') return entered(state, prompt, now)
  if (key === 'tab' && prompt.kind === 'query') return [completing(state, prompt)]
  const next = typed(prompt, key)
  return [next === undefined ? state : { ...state, prompt: { ...next, error: '' } }]
}

function entered(state: State, { kind, text }: Prompt, now: number): Step<State> {
  const closed = { ...state, prompt: undefined }
  switch (kind) {
    case 'go':
      return text === '' ? [closed] : gone(state, text, now)
    case 'find':
      return found(closed, text)
    case 'query':
      return queried(state, text.trim())
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

/** A query that is none stays in the bar, with the cursor where it goes wrong. */
function queried(state: State, query: string): Step<State> {
  try {
    parseQuery(query)
  } catch (error) {
    if (!(error instanceof QueryError)) throw error
    return [{ ...state, prompt: { kind: 'query', text: query, cursor: error.at, error: error.message } }]
  }
  const closed = { ...state, prompt: undefined }
  return query === state.scope.query ? [closed] : narrowed(closed, { ...state.scope, query })
}

function completing(state: State, prompt: Prompt): State {
  const { text, fitting } = completed(prompt.text.slice(0, prompt.cursor), state.terms)
  const error = fitting.length === 0 ? 'nothing begins so' : fitting.length > 1 ? fitting.join('  ') : ''
  const next = { ...prompt, text: text + prompt.text.slice(prompt.cursor), cursor: text.length, error }
  return { ...state, prompt: next }
}

function linesOf({ window }: State) {
  return Array.from({ length: window.size }, (_, index) => window.at(window.first + index)).filter(
    (line) => line !== undefined,
  )
}
