import type { Step } from '../event.ts'
import type { Line } from '../line.ts'
import { termOf, withTerm } from '../query.ts'
import { paused } from '../scroll.ts'
import type { Detail, DetailField, State } from '../state.ts'
import { copied } from './copied.ts'
import { narrowed } from './visit.ts'

/** The line one is at, with all its fields. */
export function opened(state: State): State {
  const line = state.window.at(state.at)
  if (line === undefined) return state
  return { ...paused(state), detail: { line, fields: fieldsOf(line), index: 0 } }
}

/** A key while a record's fields are in front. */
export function detailKey(state: State, detail: Detail, key: string): Step<State> {
  const last = detail.fields.length - 1
  const to = (index: number): Step<State> => [
    { ...state, detail: { ...detail, index: Math.max(0, Math.min(last, index)) } },
  ]
  const field = detail.fields[detail.index]
  switch (key) {
    case 'up':
    case 'k':
      return to(detail.index - 1)
    case 'down':
    case 'j':
      return to(detail.index + 1)
    case 'home':
      return to(0)
    case 'end':
      return to(last)
    case 'y':
      return copied(state, field?.value ?? '', field?.name ?? '')
    case 'Y':
      return copied(state, detail.line.json, 'the record')
    case '+':
    case '-':
      return filtered(state, field, key === '+')
    case 'escape':
    case 'enter':
    case 'q':
      return [{ ...state, detail: undefined }]
    default:
      return [{ ...state, note: '+ only lines with this value, - without, y copies it, Esc goes back' }]
  }
}

function filtered(state: State, field: DetailField | undefined, isWanted: boolean): Step<State> {
  if (field?.term === undefined) return [{ ...state, note: `lines cannot be chosen by ${field?.name ?? 'nothing'}` }]
  const query = withTerm(state.scope.query, field.term, isWanted)
  return narrowed({ ...state, detail: undefined }, { ...state.scope, query })
}

/** Everything that the record tells, what the line itself holds last. */
function fieldsOf({ json }: Line): DetailField[] {
  const { fields = {}, cursor: _, ...labels } = JSON.parse(json) as Record<string, unknown> & { fields?: object }
  const field =
    (isParsed: boolean) =>
    ([name, value]: [string, unknown]): DetailField => ({
      ...{ name, value: typeof value === 'string' ? value : JSON.stringify(value) },
      term: termOf(name, value, isParsed),
    })
  return [...Object.entries(labels).map(field(false)), ...Object.entries(fields).map(field(true))]
}
