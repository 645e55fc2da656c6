import fuzzysort from 'fuzzysort'
import type { Step } from '../event.ts'
import type { Choice, Picker, State } from '../state.ts'
import { typed } from '../typing.ts'
import { jumped, narrowed } from './visit.ts'

const MAX_SHOWN = 100

/** What a picker offers for the text typed so far, the likest first. */
export function offered({ choices = [], text }: Picker): readonly Choice[] {
  if (text === '') return choices.slice(0, MAX_SHOWN)
  return fuzzysort.go(text, choices, { keys: ['value', 'detail'], limit: MAX_SHOWN }).map(({ obj }) => obj)
}

/** Which of these is the first in sight on a body so high: its first row is the title. */
export function firstOffered({ index }: Picker, height: number): number {
  return Math.max(0, index - (height - 1) + 1)
}

/** A key while a list is in front. */
export function pickerKey(state: State, picker: Picker, key: string): Step<State> {
  const { length } = offered(picker)
  const to = (index: number): Step<State> => [
    { ...state, picker: { ...picker, index: Math.max(0, Math.min(length - 1, index)) } },
  ]
  switch (key) {
    case 'escape':
      return [{ ...state, picker: undefined }]
    case 'up':
      return to(picker.index - 1)
    case 'down':
      return to(picker.index + 1)
    case 'enter':
      return chosen({ ...state, picker: undefined }, picker)
    default: {
      const next = typed({ text: picker.text, cursor: picker.text.length }, key)
      return [next === undefined ? state : { ...state, picker: { ...picker, text: next.text, index: 0 } }]
    }
  }
}

/** Nothing at all is a choice, too: of all services, of all nodes. */
function chosen(state: State, picker: Picker): Step<State> {
  const value = offered(picker)[picker.index]?.value
  if (value === undefined) return [{ ...state, note: 'nothing is called so' }]
  const { scope } = state
  if (picker.kind === 'bookmark') {
    const mark = state.bookmarks.find(({ key }) => key === value)
    return mark === undefined ? [state] : jumped(state, mark.line.time)
  }
  if (picker.kind === 'pattern') return patterned(state, value, picker)
  const values = value === ALL ? [] : [value]
  if (picker.kind === 'node') return narrowed(state, { ...scope, nodes: values })
  return narrowed(state, { ...scope, targets: [], services: values })
}

/** The choice that takes a limit away. */
export const ALL = '(all)'

/** To the newest line of a pattern, with what all of its lines have marked. */
function patterned(state: State, pattern: string, picker: Picker): Step<State> {
  const time = picker.choices?.find(({ value }) => value === pattern)?.time
  const find = pattern
    .split(/<[a-z*]+>/)
    .reduce((longest, part) => (part.trim().length > longest.length ? part.trim() : longest), '')
  return time === undefined ? [state] : jumped({ ...state, look: { ...state.look, find } }, time)
}
