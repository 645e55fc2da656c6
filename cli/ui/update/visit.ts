import { cursorOf, surroundings } from '../around.ts'
import { gridOf } from '../bars.ts'
import type { Effect, Step } from '../event.ts'
import type { Line } from '../line.ts'
import type { Scope } from '../scope.ts'
import type { State } from '../state.ts'

const MAX_BEFORE = 50

/** The newest lines of a scope, and what comes. */
export function followed(state: State, scope: Scope = state.scope): Step<State> {
  return [{ ...emptied(state, scope), mode: 'live', isFollowing: true }, { kind: 'follow', scope }, bars(state, scope)]
}

/** The lines of a scope around a time. What is shown stays until they are here; the strip goes along when it is elsewhere. */
export function jumped(state: State, time: string, scope: Scope = state.scope, line?: Line): Step<State> {
  const moved: State = { ...stripAt(state, Date.parse(time)), scope, isFollowing: false, paging: 'jump' }
  const isSame = scope === state.scope && moved.strip === state.strip && state.strip.answer !== undefined
  const effects: Effect[] = isSame ? [] : [bars(moved, scope)]
  return [moved, { kind: 'jump', scope, time, ...(line && { line }) }, ...effects]
}

/** The first step of a program that begins at a line: Esc leaves its surroundings for all lines of that time. */
export function openedAt(state: State, line: Line): Step<State> {
  const [moved, ...effects] = inContext(state, line)
  return [{ ...moved, before: [{ scope: state.scope, at: line.time }] }, ...effects]
}

/** What is around a line, with the line to be at; Esc comes back. A line that has no cursor is found by its time. */
export function inContext(state: State, line: Line): Step<State> {
  const { within, scope } = surroundings(line)
  const cursor = cursorOf(line)
  const [moved, ...effects] = jumped(remembered(state), line.time, scope, line)
  if (cursor === undefined) return [moved, ...effects]
  return [moved, { kind: 'context', cursor, within }, ...effects.filter(({ kind }) => kind !== 'jump')]
}

function stripAt(state: State, time: number): State {
  const { strip } = state
  if (time >= strip.from && time <= strip.to) return state
  const from = time - (strip.to - strip.from) / 2
  return { ...state, strip: { ...strip, from, to: from + strip.to - strip.from } }
}

/** Another scope at the place where one is; Esc comes back. */
export function narrowed(state: State, scope: Scope): Step<State> {
  const at = hereOf(state)
  const moved = remembered(state)
  return at === undefined ? followed(moved, scope) : jumped(moved, at, scope, state.window.at(state.at))
}

function remembered(state: State): State {
  return { ...state, before: [...state.before, { scope: state.scope, at: hereOf(state) }].slice(-MAX_BEFORE) }
}

/** Back to where one was before the scope was narrowed. */
export function returned(state: State): Step<State> {
  const last = state.before.at(-1)
  if (last === undefined) return [state]
  const moved = { ...state, before: state.before.slice(0, -1) }
  return last.at === undefined ? followed(moved, last.scope) : jumped(moved, last.at, last.scope)
}

/** The time of the line one is at; undefined where the newest are followed. */
export function hereOf({ isFollowing, window, at }: State): string | undefined {
  return isFollowing ? undefined : window.at(at)?.time
}

/** Asks for the bars of the strip. */
export function bars(state: State, scope: Scope = state.scope): Effect {
  return { kind: 'histogram', scope, grid: gridOf(state) }
}

function emptied(state: State, scope: Scope): State {
  state.window.clear()
  const { first } = state.window
  return {
    ...{ ...state, scope, at: first, top: { number: first, row: 0 }, paging: undefined },
    ...{
      skipped: 0,
      unseen: 0,
      ends: { older: false, newer: false },
      connection: 'asking',
      verdict: undefined,
      gaps: 0,
    },
  }
}
