/** Whether a bare word has one of the signs (`*`, `?`) without a `\` before it. */
export function isGlob(raw: string, signs: '*' | '*?'): boolean {
  return raw.replaceAll(/\\./gsu, '').match(signs === '*' ? /\*/ : /[*?]/) !== null
}

/** What a bare word says: `\` takes the next character as it is. */
export function plainText(raw: string): string {
  return raw.replaceAll(/\\(.)/gsu, '$1')
}

/** A bare word as pattern, in one form: `\` only before `*`, `?` and `\`, no `*` next to another. Signs that are not given stand for themselves. */
export function patternOf(raw: string, signs: '*' | '*?'): string {
  let pattern = ''
  for (const [part] of raw.matchAll(/\\?./gsu)) {
    if (part === '*') pattern += pattern.endsWith('*') && !isEscaped(pattern) ? '' : '*'
    else if (part === '?' && signs === '*?') pattern += '?'
    else pattern += escaped(part.replace(/^\\(?=.)/su, ''))
  }
  return pattern
}

/** A piece of a pattern: `*`, `?`, or text. */
export type PatternPart = { readonly kind: 'any' | 'one' } | { readonly kind: 'text'; readonly text: string }

/** The pieces of a glob expression's pattern. */
export function patternParts(pattern: string): PatternPart[] {
  const parts: PatternPart[] = []
  for (const [part] of pattern.matchAll(/(?:\\.|[^*?\\])+|[*?]/gsu)) {
    if (part === '*') parts.push({ kind: 'any' })
    else if (part === '?') parts.push({ kind: 'one' })
    else parts.push({ kind: 'text', text: plainText(part) })
  }
  return parts
}

function escaped(letter: string): string {
  return letter === '*' || letter === '?' || letter === '\\' ? `\\${letter}` : letter
}

/** Whether the last character of a pattern has a `\` before it. */
function isEscaped(pattern: string): boolean {
  return (/\\*$/.exec(pattern.slice(0, -1))?.[0].length ?? 0) % 2 === 1
}
