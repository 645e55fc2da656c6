import { TERMS } from '../complete.ts'
import type { Event, Page, Step } from '../event.ts'
import type { Line } from '../line.ts'
import { settled, toMiddle } from '../scroll.ts'
import { bodyHeight } from '../sight.ts'
import type { State } from '../state.ts'
import { bars, jumped } from './visit.ts'

/** What comes from the server, or of itself. */
export function serverEvent(state: State, event: Exclude<Event, { kind: 'key' | 'mouse' | 'size' }>): Step<State> {
  switch (event.kind) {
    case 'lines':
      return [withLines(state, event.lines)]
    case 'page':
      return [withPage({ ...state, paging: undefined }, event.page)]
    case 'verdict':
      return [{ ...state, verdict: event.verdict, gaps: Math.max(state.gaps, event.verdict.gaps) }]
    case 'connection':
      return [{ ...state, connection: event.connection, ...(event.note !== '' && { note: event.note }) }]
    case 'histogram':
      return [{ ...state, strip: { ...state.strip, answer: event.answer } }]
    case 'choices':
      return [state.picker === undefined ? state : { ...state, picker: { ...state.picker, choices: event.choices } }]
    case 'rate':
      return [{ ...state, rate: event.rate }]
    case 'tick':
      return ticked(state, event.now)
    case 'terms':
      return [{ ...state, terms: [...TERMS, ...event.terms] }]
    case 'found':
      return jumped({ ...state, note: '' }, event.line.time, state.scope, event.line)
    case 'note':
      return [{ ...state, note: event.note }]
    case 'refused':
      return [{ ...state, note: event.message, paging: undefined }]
  }
}

/** New lines. While one reads a full window, what would push lines out of it is counted instead. */
function withLines(state: State, lines: readonly Line[]): State {
  const { window, isFollowing } = state
  if (state.mode !== 'live') return state
  const gaps = state.gaps + lines.filter(({ kind }) => kind === 'gap').length
  if (!isFollowing && window.isFull) return { ...state, skipped: state.skipped + lines.length }
  window.push(lines)
  const isPassing = isFollowing && state.connection === 'live'
  const unseen = state.unseen + (isPassing ? Math.max(0, lines.length - bodyHeight(state)) : 0)
  return settled({ ...state, gaps, unseen })
}

function withPage(state: State, { kind, lines, index, isEnd }: Page): State {
  const { window } = state
  const gaps = (kind === 'jump' ? 0 : state.gaps) + lines.filter((line) => line.kind === 'gap').length
  const ends = { ...state.ends, ...isEnd }
  if (kind === 'older') {
    window.prepend(lines)
    return settled({ ...state, ends, gaps })
  }
  if (kind === 'newer') {
    window.push(lines)
    return settled({ ...state, ends, gaps })
  }
  window.clear()
  window.push(lines)
  const past: State = { ...state, mode: 'past', isFollowing: false, skipped: 0, ends, gaps, connection: 'live' }
  return toMiddle(past, window.first + index)
}

function ticked(state: State, now: number): Step<State> {
  const { mode, strip } = state
  if (mode !== 'live' || strip.index !== undefined) return [state]
  const moved = { ...state, strip: { ...strip, from: now - (strip.to - strip.from), to: now } }
  return [moved, bars(moved)]
}
