import type { Line } from './line.ts'
import { type Look, lineRows } from './look.ts'
import type { State } from './state.ts'

/** Rows that are not for lines: title, strip, status and footer. */
export const CHROME_ROWS = 4
/** Where the strip is, and where the lines begin. */
export const STRIP_ROW = 1
export const BODY_ROW = 2
/** The column of marks at the left. */
const GUTTER = 1

/** One row of the screen. */
export interface Row {
  readonly number: number
  readonly line: Line
  readonly text: string
  /** It begins its line. */
  readonly isFirst: boolean
}

/** How many rows there are for lines. */
export function bodyHeight({ rows }: Pick<State, 'rows'>): number {
  return Math.max(1, rows - CHROME_ROWS)
}

const known = new WeakMap<Line, { look: Look; width: number; rows: string[] }>()

/** The rows of a line as they are on this screen. */
export function rowsAt(state: Pick<State, 'look' | 'columns'>, line: Line): string[] {
  const width = Math.max(1, state.columns - GUTTER)
  const before = known.get(line)
  if (before?.look === state.look && before.width === width) return before.rows
  const rows = lineRows(line, state.look, width)
  known.set(line, { look: state.look, width, rows })
  return rows
}

/** What is in sight, from the top. */
export function sight(state: State): Row[] {
  const height = bodyHeight(state)
  const shown: Row[] = []
  for (let number = state.top.number; shown.length < height; number++) {
    const line = state.window.at(number)
    if (line === undefined) break
    const skip = number === state.top.number ? state.top.row : 0
    for (const [index, text] of rowsAt(state, line).entries()) {
      if (index >= skip && shown.length < height) shown.push({ number, line, text, isFirst: index === 0 })
    }
  }
  return shown
}

/** Where the screen begins when this line ends so many rows below its top. */
export function topAbove(state: State, number: number, height: number): State['top'] {
  let left = height
  for (let at = number; ; at--) {
    const line = state.window.at(at)
    if (line === undefined) return { number: Math.min(number, at + 1), row: 0 }
    const rows = rowsAt(state, line).length
    if (rows >= left) return { number: at, row: rows - left }
    left -= rows
  }
}

/** The place so many rows below (above: negative) another; undefined: beyond the lines that are here. */
export function placeBelow(state: State, from: State['top'], by: number): State['top'] | undefined {
  let { number, row } = from
  let left = row + by
  while (left < 0) {
    const line = state.window.at(--number)
    if (line === undefined) return undefined
    left += rowsAt(state, line).length
  }
  for (row = left; ; number++) {
    const line = state.window.at(number)
    if (line === undefined) return undefined
    const rows = rowsAt(state, line).length
    if (row < rows) return { number, row }
    row -= rows
  }
}
