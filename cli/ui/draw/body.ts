import { fitted, rowsOf } from '../cells.ts'
import { keyOf } from '../line.ts'
import { safe } from '../look.ts'
import { bodyHeight, sight } from '../sight.ts'
import type { Detail, Picker, State } from '../state.ts'
import { firstOffered, offered } from '../update/picker-keys.ts'
import { HELP } from './help.ts'

const MAX_VALUE_ROWS = 50
const MAX_VALUE = 65_536
const MAX_ERROR_ROWS = 3

/** The rows between the strip and the status: lines, or what is in front of them. */
export function bodyRows(state: State): string[] {
  const height = bodyHeight(state)
  const rows = inFront(state).slice(0, height)
  const filled = [...rows, ...Array.from({ length: height - rows.length }, () => '')]
  const error = errorRows(state)
  return [...filled.slice(0, height - error.length), ...error]
}

function inFront(state: State): string[] {
  if (state.isHelp) return HELP.map((row) => fitted(` ${row}`, state.columns))
  if (state.picker !== undefined) return pickerRows(state, state.picker)
  if (state.detail !== undefined) return detailRows(state, state.detail)
  return lineRows(state)
}

function lineRows(state: State): string[] {
  const marks = new Set(state.bookmarks.map(({ key }) => key))
  const rows = sight(state).map(({ number, line, text, isFirst }) => {
    const isAt = number === state.at && !state.isFollowing
    const isMarked = isFirst && marks.size > 0 && marks.has(keyOf(line))
    return `${isMarked ? '*' : isAt && isFirst ? '>' : ' '}${text}`
  })
  if (rows.length > 0 || state.paging !== undefined || state.connection === 'asking') return rows
  return [' no line found here: Esc goes back, f changes the query, g goes to another time']
}

/** What is wrong with what is typed, or what it may become: right above it. */
function errorRows({ prompt, columns, look }: State): string[] {
  if (prompt === undefined || prompt.error === '') return []
  const rows = rowsOf(safe(prompt.error), columns - 2, MAX_ERROR_ROWS)
  return rows.map((row) => (look.hasColour ? `\x1b[33m ${row}\x1b[0m` : ` ${row}`))
}

function pickerRows(state: State, picker: Picker): string[] {
  const title = { service: 'Services', node: 'Nodes', bookmark: 'Bookmarks', pattern: 'Patterns' }[picker.kind]
  if (picker.choices === undefined) return [` ${title}: asking the server ...`]
  const choices = offered(picker)
  const height = bodyHeight(state)
  const start = firstOffered(picker, height)
  const width = Math.min(40, Math.floor(state.columns / 2))
  const rows = choices.slice(start, start + height - 1).map(({ value, detail }, index) => {
    const isWide = picker.kind === 'bookmark' || picker.kind === 'pattern'
    const text = isWide ? safe(detail) : `${fitted(safe(value), width)} ${safe(detail)}`
    return chosen(fitted(` ${text}`, state.columns - 1), start + index === picker.index, state)
  })
  return [` ${title}: ${safe(picker.text)}▏ (type to narrow down, enter chooses, esc goes back)`, ...rows]
}

/** Each field with its value; that of the field one is at in full, as far as there is room. */
function detailRows(state: State, { fields, index }: Detail): string[] {
  const height = bodyHeight(state)
  const names = Math.min(30, Math.max(...fields.map(({ name }) => name.length)))
  const width = Math.max(1, state.columns - names - 3)
  const blocks = fields.map(({ name, value }, at) => {
    const most = at === index ? Math.min(MAX_VALUE_ROWS, Math.max(1, height - 3)) : 1
    const values = rowsOf(safe(value.slice(0, MAX_VALUE)), width, most)
    return values.map((text, row) =>
      chosen(` ${fitted(row === 0 ? safe(name) : '', names)} ${text}`, at === index, state),
    )
  })
  const above = blocks.slice(0, index).flat().length
  const end = above + (blocks[index]?.length ?? 1)
  const start = Math.max(0, end - (height - 1))
  return [
    ...blocks.flat().slice(start, start + height - 1),
    ' + only lines with this value  - without  y copy  Y copy record  esc back',
  ]
}

function chosen(text: string, isChosen: boolean, { look }: State): string {
  if (!isChosen) return ` ${text}`
  return look.hasColour ? `>\x1b[7m${text}\x1b[27m` : `>${text}`
}
