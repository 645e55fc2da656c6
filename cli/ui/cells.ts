import stringWidth from 'string-width'

/*
 * Text in the cells of a terminal: how wide it is, and where to cut it. It has passed `harmless`, so the only escape sequences
 * in it are colours.
 */

const PLAIN = /^[\x20-\x7e]*$/
const COLOUR = /\x1b\[[0-9;:]*m/
const COLOURS = /(\x1b\[[0-9;:]*m)/
const RESETS = /^\x1b\[0*m$/
const MAX_COLOURS = 16
const TAB_WIDTH = 8
/* Characters without a width of their own, on which terminals do not agree. */
const UNSEEN = /\p{Default_Ignorable_Code_Point}/gu
const VARIATIONS = /[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/gu
/* More marks on one letter would draw over the rows above. */
const MARKS = /(\p{M}{3})\p{M}+/gu
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Text whose width all terminals agree on: what is unseen is written out, tabs become spaces. */
export function steady(text: string): string {
  if (PLAIN.test(text)) return text
  const seen = text
    .toWellFormed()
    .replace(VARIATIONS, '')
    .replace(UNSEEN, (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`)
    .replace(MARKS, '$1')
  return seen.includes('\t') ? withoutTabs(seen) : seen
}

/** How many cells text takes. */
export function widthOf(text: string): number {
  return PLAIN.test(text) ? text.length : stringWidth(text)
}

/** The text in exactly so many cells, cut with `…` or padded. */
export function fitted(text: string, width: number): string {
  const cells = widthOf(text)
  if (cells <= width) return text + ' '.repeat(width - cells)
  if (width < 1) return ''
  const [cut = ''] = rowsOf(text, width - 1, 1)
  return `${cut}…${' '.repeat(Math.max(0, width - 1 - widthOf(cut)))}`
}

/** Breaks text into rows of at most `width` cells, at most `most` of them; each row closes the colours that it opens. */
export function rowsOf(text: string, width: number, most: number, skip = 0): string[] {
  if (PLAIN.test(text)) return plainRows(text.slice(skip), width, most)
  const rows = new Rows(width, most, skip)
  for (const part of text.split(COLOURS)) {
    if (rows.isFull) break
    if (COLOUR.test(part)) rows.colour(part)
    else if (PLAIN.test(part)) for (const letter of part) rows.add(letter, 1)
    else for (const { segment } of segmenter.segment(part)) rows.add(segment, Math.max(1, widthOf(segment)))
  }
  return rows.end()
}

function plainRows(text: string, width: number, most: number): string[] {
  const rows: string[] = []
  for (let start = 0; start < text.length && rows.length < most; start += width)
    rows.push(text.slice(start, start + width))
  return rows.length === 0 ? [''] : rows
}

class Rows {
  readonly #width: number
  readonly #most: number
  readonly #rows: string[] = []
  #skip: number
  #row = ''
  #cells = 0
  #active: string[] = []

  constructor(width: number, most: number, skip: number) {
    this.#width = Math.max(1, width)
    this.#most = most
    this.#skip = skip
  }

  get isFull(): boolean {
    return this.#rows.length >= this.#most
  }

  colour(sequence: string): void {
    this.#active = RESETS.test(sequence) ? [] : [...this.#active, sequence].slice(-MAX_COLOURS)
    this.#row += sequence
  }

  add(letter: string, cells: number): void {
    if (this.isFull) return
    if (this.#skip > 0) {
      this.#skip -= cells
      return
    }
    if (this.#cells + cells > this.#width && this.#cells > 0) this.#break()
    this.#row += letter
    this.#cells += cells
  }

  end(): string[] {
    if (!this.isFull && (this.#cells > 0 || this.#rows.length === 0)) this.#break()
    return this.#rows
  }

  #break(): void {
    this.#rows.push(this.#active.length > 0 ? `${this.#row}\x1b[0m` : this.#row)
    this.#row = this.#active.join('')
    this.#cells = 0
  }
}

function withoutTabs(text: string): string {
  let shown = ''
  let column = 0
  for (const part of text.split(/(\t)/)) {
    const added = part === '\t' ? ' '.repeat(TAB_WIDTH - (column % TAB_WIDTH)) : part
    shown += added
    column += stringWidth(added)
  }
  return shown
}
