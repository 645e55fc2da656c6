import { gridOf } from '../bars.ts'
import type { NamesOf, Step } from '../event.ts'
import { keyOf, type Line, wholeText } from '../line.ts'
import { linkOf } from '../link.ts'
import { COLUMNS, type Look, TINTS } from '../look.ts'
import { byRows, paused, settled, toEnd, toLine } from '../scroll.ts'
import { bodyHeight } from '../sight.ts'
import type { Prompt, State } from '../state.ts'
import { copied } from './copied.ts'
import { opened } from './detail-keys.ts'
import { mouseSwitched } from './mouse-switch.ts'
import { sought } from './seek.ts'
import { walking } from './strip-keys.ts'
import { followed, hereOf, inContext, jumped, narrowed, returned } from './visit.ts'

const SHIFT = 20

type Keys = Readonly<Record<string, (state: State) => Step<State>>>

const MOVES: Keys = {
  up: (state) => moved(state, -1),
  k: (state) => moved(state, -1),
  down: (state) => moved(state, 1),
  j: (state) => moved(state, 1),
  'page-up': (state) => paged(state, -bodyHeight(state)),
  'page-down': (state) => paged(state, bodyHeight(state)),
  'ctrl-u': (state) => paged(state, -Math.ceil(bodyHeight(state) / 2)),
  'ctrl-d': (state) => paged(state, Math.ceil(bodyHeight(state) / 2)),
  home: (state) => reached(toLine(state, state.window.first), -1),
  end: newest,
  G: newest,
  ' ': (state) => (state.isFollowing ? [paused(state)] : newest(state)),
  left: (state) => looking(state, { shift: Math.max(0, state.look.shift - SHIFT) }),
  right: (state) => looking(state, { shift: state.look.shift + SHIFT }),
  e: (state) => sought(state, 1, 'error'),
  E: (state) => sought(state, -1, 'error'),
  n: (state) => sought(state, 1, 'match'),
  N: (state) => sought(state, -1, 'match'),
}

const LOOKS: Keys = {
  w: (state) => looking(state, { wrap: !state.look.wrap, shift: 0 }),
  c: (state) => looking(state, { tint: TINTS[(TINTS.indexOf(state.look.tint) + 1) % TINTS.length] ?? 'none' }),
  ...Object.fromEntries(COLUMNS.map((column, index) => [String(index + 1), (state: State) => toggled(state, column)])),
}

const OTHERS: Keys = {
  q: (state) => [state, { kind: 'quit', code: 0 }],
  '?': (state) => [{ ...state, isHelp: true }],
  g: (state) => prompting(state, 'go', ''),
  '/': (state) => prompting(state, 'find', ''),
  f: (state) => [...prompting(state, 'query', state.scope.query), { kind: 'terms' }],
  X: (state) => prompting(state, 'save', 'swarmlogs.txt'),
  s: (state) => picking(state, 'service'),
  o: (state) => picking(state, 'node'),
  p: (state) => picking(state, 'pattern'),
  B: (state) => [{ ...state, picker: { kind: 'bookmark', text: '', index: 0, choices: bookmarks(state) } }],
  b: (state) => [marked(state)],
  h: walking,
  enter: (state) => [opened(state)],
  x: context,
  y: (state) => copied(state, linkOf(state.server, { ...state, at: hereOf(state), look: {} }, state.look), 'the link'),
  Y: lineCopied,
  v: (state) => narrowed(state, { ...state.scope, events: !state.scope.events }),
  escape: returned,
  m: mouseSwitched,
}

const KEYS: Keys = { ...MOVES, ...LOOKS, ...OTHERS }

/** A key while the lines are in front. */
export function linesKey(state: State, key: string): Step<State> {
  const act = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined
  return act === undefined ? [{ ...state, note: `nothing is on ${key}: ? shows all keys` }] : act(state)
}

function moved(state: State, by: number): Step<State> {
  return reached(toLine(state, state.at + by), by)
}

/** Moves by rows; reads further lines at the end of those that are here. */
export function paged(state: State, rows: number): Step<State> {
  return reached(byRows(state, rows), rows)
}

/** Reads further lines when one is at the first or last that is here. */
function reached(state: State, by: number): Step<State> {
  const { window, mode, ends, at, paging } = state
  if (paging !== undefined || window.size === 0) return [state]
  const older = by < 0 && at === window.first && !ends.older
  const newer = by > 0 && at === window.last && mode === 'past' && !ends.newer
  const line = window.at(at)
  if (line === undefined || (!older && !newer)) return [state]
  // Pages hang on to a past that stands still: live lines go on elsewhere.
  if (mode === 'live' || window.isFull) return jumped(state, line.time)
  const direction = older ? 'older' : 'newer'
  return [
    { ...state, paging: direction },
    { kind: 'page', scope: state.scope, direction, edge: edgeOf(state, by) },
  ]
}

/** The first or last line that is here, and its neighbours of the same time: a page by time has them again. */
function edgeOf({ window, at }: State, by: number): Line[] {
  const edge: Line[] = []
  const step = by < 0 ? 1 : -1
  for (let number = at; window.at(number)?.time === window.at(at)?.time; number += step) {
    const line = window.at(number)
    if (line === undefined) break
    edge.push(line)
  }
  return edge
}

function newest(state: State): Step<State> {
  // What was skipped while it was paused is not here: the newest lines are asked for anew.
  return state.mode === 'live' && state.skipped === 0 ? [toEnd(state)] : followed(state)
}

function looking(state: State, look: Partial<Look>): Step<State> {
  return [settled({ ...state, look: { ...state.look, ...look }, top: { ...state.top, row: 0 } })]
}

function toggled(state: State, column: Look['columns'][number]): Step<State> {
  const has = state.look.columns.includes(column)
  return looking(state, {
    columns: COLUMNS.filter((one) => (one === column ? !has : state.look.columns.includes(one))),
  })
}

function prompting(state: State, kind: Prompt['kind'], text: string): Step<State> {
  return [{ ...state, prompt: { kind, text, cursor: text.length, error: '' } }]
}

function picking(state: State, kind: NamesOf): Step<State> {
  return [
    { ...state, picker: { kind, text: '', index: 0, choices: undefined } },
    { kind: 'names', of: kind, scope: state.scope, grid: gridOf(state) },
  ]
}

function context(state: State): Step<State> {
  const line = state.window.at(state.at)
  return line === undefined ? [state] : inContext(paused(state), line)
}

function lineCopied(state: State): Step<State> {
  const line = state.window.at(state.at)
  return copied(state, line === undefined ? '' : wholeText(line), state.scope.events ? 'the event' : 'the line')
}

function marked(state: State): State {
  const line = state.window.at(state.at)
  if (line === undefined) return state
  const key = keyOf(line)
  const others = state.bookmarks.filter((one) => one.key !== key)
  const isNew = others.length === state.bookmarks.length
  return { ...state, bookmarks: isNew ? [...others, { key, line }].slice(-1000) : others }
}

function bookmarks(state: State) {
  return state.bookmarks.map(({ key, line }) => ({
    value: key,
    detail: `${line.time} ${line.task} ${line.text.slice(0, 200)}`,
  }))
}
