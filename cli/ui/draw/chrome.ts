import { verdictText } from '../../output/missing.ts'
import { barRoom, barsOf, barTexts, gridOf } from '../bars.ts'
import { fitted, widthOf } from '../cells.ts'
import { clockTime, safe } from '../look.ts'
import { scopeText } from '../scope.ts'
import type { State } from '../state.ts'
import { barStart } from '../update/strip-keys.ts'

/** What the prompts ask for. */
const ASKED = { go: 'go to', find: 'find', query: 'query', save: 'write to' } as const

/** The first row: what is looked at, and the day and time of the line one is at. */
export function titleRow(state: State): string {
  const time = state.window.at(state.at)?.time
  const right = time === undefined ? '' : `${dayText(time)} ${clockTime(time).slice(0, 8)}`
  const left = ` swarmlogs  ${safe(scopeText(state.scope)) || 'all lines'}`
  const row = `${fitted(left, Math.max(0, state.columns - right.length - 1))}${right} `
  return styled(fitted(row, state.columns), '7', state)
}

/** The strip: how many lines there were when. */
export function stripRow(state: State): string {
  const { strip, columns } = state
  const grid = gridOf(state)
  const bars = barsOf(strip.answer, grid)
  const width = Math.max(1, Math.floor(barRoom(state) / grid.count))
  const row = barTexts(bars).map((bar, index) => {
    const text = bar.repeat(width)
    if (index === strip.index) return state.look.hasColour ? `\x1b[7m${text}\x1b[27m` : '|'.repeat(width)
    return (bars[index]?.errors ?? 0) > 0 ? styled(text, '31', state) : text
  })
  const ends = [grid.from, grid.from + grid.length * grid.count].map((ms) =>
    clockTime(new Date(ms).toISOString()).slice(0, 8),
  )
  return rowOf(` ${ends[0]} ${row.join('')} ${ends[1]}`, columns)
}

/** Whether lines come in, whether they are complete, and what was left out: always in sight. */
export function statusRow(state: State): string {
  const { window, rate, skipped, unseen } = state
  const size = `${window.size} ${state.scope.events ? 'events' : 'lines'}`
  const parts = [
    modeText(state),
    safe(verdictWord(state)),
    state.gaps === 0 ? 'no gaps' : `${state.gaps} GAP${state.gaps === 1 ? '' : 'S'}`,
    ...(skipped > 0 ? [`${skipped} skipped: G shows the newest`] : []),
    ...(unseen > 0 ? [`${unseen} not drawn`] : []),
    state.mode === 'live' ? `${size}, ${rate}/s` : size,
    ...(state.verdict === undefined || state.verdict.nodes.length + state.verdict.unreadable.length === 0
      ? []
      : [safe(verdictText({ ...state.verdict, gaps: 0 }))]),
  ]
  const isWell = state.verdict?.verdict === 'complete' && state.connection === 'live' && state.gaps === 0
  const row = fitted(` ${parts.filter((part) => part !== '').join(' | ')}`, state.columns)
  return styled(row, isWell ? '7' : '7;33', state)
}

/** The last row: what is typed, what there is to say, or the keys that one needs most. */
export function footerRow(state: State): string {
  const { prompt, note, columns } = state
  if (prompt !== undefined) {
    const { kind, text, cursor } = prompt
    return rowOf(` ${ASKED[kind]}: ${safe(text.slice(0, cursor))}▏${safe(text.slice(cursor))}`, columns)
  }
  if (note !== '') return styled(rowOf(` ${safe(note)}`, columns), '33', state)
  if (state.strip.index !== undefined) return rowOf(stripText(state, state.strip.index), columns)
  if (state.paging !== undefined) return rowOf(' reading lines ...', columns)
  return rowOf(' ? keys  space pause  g time  / find  f query  s services  e error  enter fields  q quit', columns)
}

function verdictWord({ verdict }: State): string {
  if (verdict === undefined) return 'not judged yet'
  return verdict.verdict === 'complete' ? 'complete' : verdict.verdict.toUpperCase()
}

function modeText({ mode, connection, isFollowing }: State): string {
  if (connection === 'lost') return 'LOST: TRYING AGAIN'
  if (connection === 'ended') return 'STOPPED'
  if (mode === 'past') return 'PAST'
  if (!isFollowing) return 'PAUSED'
  return connection === 'asking' ? 'ASKING' : 'LIVE'
}

function stripText(state: State, index: number): string {
  const bar = barsOf(state.strip.answer, gridOf(state))[index]
  const at = new Date(barStart(state, index)).toISOString()
  const counts = `${bar?.records ?? 0} lines, ${bar?.errors ?? 0} errors`
  return ` ${dayText(at)} ${clockTime(at).slice(0, 8)}: ${counts}; left right walk, + - zoom, enter goes there, esc leaves`
}

function dayText(time: string): string {
  const date = new Date(time)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

function rowOf(text: string, columns: number): string {
  return widthOf(text) > columns ? fitted(text, columns) : text
}

function styled(text: string, colour: string, { look }: State): string {
  return look.hasColour ? `\x1b[${colour}m${text}\x1b[0m` : text
}
