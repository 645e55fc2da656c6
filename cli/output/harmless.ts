/*
 * What could act on a terminal instead of being shown: C0 but TAB, DEL and C1, bidi marks, embeddings, overrides and isolates,
 * line and paragraph separators, interlinear annotations. An escape sequence cannot begin without one of these.
 */
const ACTING = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]/
const COLOUR_OR_ACTING =
  /\x1b\[[0-9;:]{0,64}m|[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]/g
const RESET = '\x1b[0m'

/** What becomes of colours (SGR sequences): kept and reset after the text, left out, or shown as any other escape sequence is. */
export type Colours = 'keep' | 'drop' | 'show'

/** Text that a terminal can only show: all that could act on it is written as `^[` or `\u202e`. */
export function harmless(text: string, colours: Colours = 'show'): string {
  if (!ACTING.test(text)) return text
  let isColoured = false
  const shown = text.replace(COLOUR_OR_ACTING, (part) => {
    if (part.length === 1) return visible(part)
    if (colours === 'show') return `^[${part.slice(1)}`
    if (colours === 'drop') return ''
    isColoured = true
    return part
  })
  return isColoured ? shown + RESET : shown
}

function visible(character: string): string {
  const code = character.charCodeAt(0)
  return code < 0x20 ? `^${String.fromCharCode(code + 0x40)}` : `\\u${code.toString(16).padStart(4, '0')}`
}
