import type { Step } from '../event.ts'
import type { Line } from '../line.ts'
import type { Scope } from '../scope.ts'
import { paused } from '../scroll.ts'
import type { Detail, State } from '../state.ts'
import { copied } from './copied.ts'
import { narrowed } from './visit.ts'

/** Fields by which the server narrows a question down. */
const NARROWING: Readonly<Record<string, (scope: Scope, value: string) => Scope>> = {
  'service.name': (scope, value) => ({ ...scope, services: [value] }),
  'host.name': (scope, value) => ({ ...scope, nodes: [value] }),
  'docker.swarm.stack.name': (scope, value) => ({ ...scope, stacks: [value] }),
  'container.id': (scope, value) => ({ ...scope, containers: [value] }),
  'log.iostream': (scope, value) => ({ ...scope, source: value }),
  message: (scope, value) => ({ ...scope, query: value.slice(0, 500) }),
}

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
  const [name = '', value = ''] = detail.fields[detail.index] ?? []
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
      return copied(state, value, name)
    case 'Y':
      return copied(state, detail.line.json, 'the record')
    case '+':
      return filtered(state, name, value)
    case 'escape':
    case 'enter':
    case 'q':
      return [{ ...state, detail: undefined }]
    default:
      return [{ ...state, note: '+ only lines with this value, - without, y copies it, Esc goes back' }]
  }
}

function filtered(state: State, name: string, value: string): Step<State> {
  const narrow = NARROWING[name]
  if (narrow === undefined) return [{ ...state, note: `lines cannot be chosen by ${name}` }]
  return narrowed({ ...state, detail: undefined }, narrow(state.scope, value))
}

/** Everything that the record tells, what the line itself holds last. */
function fieldsOf({ json }: Line): [string, string][] {
  const { fields = {}, cursor: _, ...labels } = JSON.parse(json) as Record<string, unknown> & { fields?: object }
  return [...Object.entries(labels), ...Object.entries(fields)].map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ])
}
