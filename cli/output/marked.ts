import type { Matching } from './matching.ts'

const COLOURS = /(\x1b\[[0-9;:]*m)/
const ON = '\x1b[7m'
const OFF = '\x1b[27m'

/** Shows what matches inverted: its colours stay as they are, and escape sequences are not looked into. */
export function marked(text: string, marks: NonNullable<Matching['marks']>): string {
  return text
    .split(COLOURS)
    .map((part, index) => (index % 2 === 1 ? part : markedPart(part, marks(part))))
    .join('')
}

function markedPart(text: string, places: ReturnType<NonNullable<Matching['marks']>>): string {
  let result = ''
  let end = 0
  for (const [from, to] of places) {
    result += text.slice(end, from) + ON + text.slice(from, to) + OFF
    end = to
  }
  return result + text.slice(end)
}
