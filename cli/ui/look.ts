import { inColourOf } from '../output/colour.ts'
import { harmless } from '../output/harmless.ts'
import { fitted, rowsOf, steady } from './cells.ts'
import { type Line, withoutReturn } from './line.ts'

/** Columns before the text, in their order. */
export const COLUMNS = ['time', 'level', 'service', 'node', 'source'] as const
export type Column = (typeof COLUMNS)[number]

/** What lines are coloured by. */
export const TINTS = ['service', 'level', 'source', 'none'] as const
export type Tint = (typeof TINTS)[number]

/** How lines look. */
export interface Look {
  readonly columns: readonly Column[]
  readonly tint: Tint
  readonly wrap: boolean
  /** How many cells of the text are left out at the left, where lines are not wrapped. */
  readonly shift: number
  readonly hasColour: boolean
  /** What is looked for; '' when nothing is. */
  readonly find: string
}

/** Of a longer text the rest is shown among its details only. */
export const MAX_SHOWN = 16_384
const MAX_ROWS = 200
const WIDTHS: Readonly<Record<Column, number>> = { time: 12, level: 5, service: 16, node: 10, source: 6 }
const LEVELS: Readonly<Record<string, string>> = { error: '31', fatal: '31;1', warn: '33', debug: '2', trace: '2' }

/** The rows of a line on a screen so wide, at least one. */
export function lineRows(line: Line, look: Look, width: number): string[] {
  const prefix = prefixOf(line, look)
  const room = Math.max(1, width - prefix.cells)
  // What a gap or a note says is never cut.
  const rows = look.wrap || line.kind !== 'line' ? allRows(line, look, room) : [firstRow(line, look, room)]
  const indent = ' '.repeat(prefix.cells)
  return rows.map((row, index) => (index === 0 ? prefix.text : indent) + tinted(row, line, look))
}

/** Whether a line has what is looked for; of an event any of its lines. */
export function hasMatch({ text, folded }: Pick<Line, 'text' | 'folded'>, find: string): boolean {
  const isIn = (one: string): boolean => one.toLowerCase().includes(find.toLowerCase())
  return find !== '' && (isIn(text) || isIn(folded))
}

/** `10:02:11.386`, by the clock of this machine. */
export function clockTime(time: string): string {
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) return '?'
  const two = (value: number) => String(value).padStart(2, '0')
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
  return `${clock}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

/** Text of others as one that a terminal only shows, all its characters in cells. */
export function safe(text: string, colours: 'keep' | 'drop' | 'show' = 'show'): string {
  return steady(harmless(text, colours))
}

function prefixOf(line: Line, look: Look): { text: string; cells: number } {
  if (line.kind !== 'line') return { text: '', cells: 0 }
  const cells = look.columns.map((column) => cell(line, column, look))
  const widths = look.columns.reduce((sum, column) => sum + WIDTHS[column] + 1, 0)
  return { text: cells.map((text) => `${text} `).join(''), cells: widths }
}

function cell(line: Line, column: Column, { hasColour, tint }: Look): string {
  if (column === 'time') return clockTime(line.time).padEnd(WIDTHS.time)
  const value = column === 'service' ? line.task : line[column]
  const text = fitted(safe(value), WIDTHS[column])
  if (!hasColour) return text
  if (column === 'service' && tint === 'service') return inColourOf(line.service, text)
  const colour = column === 'level' ? LEVELS[line.level] : undefined
  return colour === undefined ? text : `\x1b[${colour}m${text}\x1b[0m`
}

/** One row, cut; behind it how many lines of an event are folded under it. */
function firstRow(line: Line, look: Look, room: number): string {
  const lines = linesIn(line).length - 1
  const mark = lines === 0 ? '' : ` (+${lines} line${lines === 1 ? '' : 's'})`
  const [row = ''] = rowsOf(textOf(line, line.text, look), Math.max(1, room - mark.length), 1, look.shift)
  return row + mark
}

/** All rows of a line; of an event those of all its lines. */
function allRows(line: Line, look: Look, room: number): string[] {
  const rows: string[] = []
  for (const text of linesIn(line)) {
    if (rows.length >= MAX_ROWS) break
    rows.push(...rowsOf(textOf(line, text, look), room, MAX_ROWS - rows.length))
  }
  return rows
}

function linesIn({ text, folded }: Line): string[] {
  return folded === '' ? [text] : [text, ...folded.split('\n').map(withoutReturn)]
}

function textOf({ kind }: Line, whole: string, { hasColour, find }: Look): string {
  const text = whole.length > MAX_SHOWN ? `${whole.slice(0, MAX_SHOWN)}…` : whole
  const isFound = hasMatch({ text: whole, folded: '' }, find)
  const shown = safe(text, hasColour && !isFound && kind === 'line' ? 'keep' : 'drop')
  return isFound && hasColour ? marked(shown, find.toLowerCase()) : shown
}

function tinted(row: string, line: Line, { hasColour, tint }: Look): string {
  if (!hasColour) return row
  if (line.kind !== 'line') return `\x1b[${line.kind === 'gap' ? '33' : '36'};1m${row}\x1b[0m`
  const colour =
    tint === 'level' ? LEVELS[line.level] : tint === 'source' && line.source === 'stderr' ? '31' : undefined
  return colour === undefined ? row : `\x1b[${colour}m${row}\x1b[0m`
}

function marked(text: string, find: string): string {
  const lower = text.toLowerCase()
  // A letter whose lower case is longer moves all places behind it.
  if (lower.length !== text.length) return text
  let shown = ''
  let start = 0
  for (let at = lower.indexOf(find); at !== -1; at = lower.indexOf(find, start)) {
    shown += `${text.slice(start, at)}\x1b[7m${text.slice(at, at + find.length)}\x1b[27m`
    start = at + find.length
  }
  return shown + text.slice(start)
}
