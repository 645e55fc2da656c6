/** A part of an RE2 expression: flags, an escape, a class, a repetition, or a single character. */
const PART = /\(\?[a-zA-Z-]*\)|\\.|\[\^?\]?(?:\\.|\[:[^\]]*:\]|[^\]\\])*\]|\{\d*,?\d*\}|./gsu
/** What takes more than the next character, and with it the meaning of what comes then. */
const LONG_ESCAPE = /^\\[QExpP0-9C]/
/** Letters that only other letters of ASCII are the same as when the case does not matter. */
const PLAIN = /^[\0-JL-RT-jl-rt-\x7f]$/

/** Texts that every match of an RE2 expression has in it, whatever their case; none when that cannot be told. */
export function regexTexts({ source, isInsensitive }: { source: string; isInsensitive: boolean }): string[] {
  const passesCase = isInsensitive || source.includes('(?')
  // Behind flags, that repeats what stands before them.
  if (/\(\?[a-zA-Z-]*\)[*?{]/.test(source)) return []
  const texts: string[] = []
  let letters: string[] = []
  const end = (): void => {
    if (letters.length > 0) texts.push(letters.join(''))
    letters = []
  }
  let depth = 0
  for (const [part] of source.matchAll(PART)) {
    if (part.startsWith('(?') && part.endsWith(')')) continue
    if (LONG_ESCAPE.test(part) || (part === '|' && depth === 0)) return []
    const isRepeated = part === '*' || part === '?' || part.startsWith('{')
    const letter = letterOf(part)
    if (part === '(') depth++
    if (isRepeated && depth === 0) letters.pop()
    if (letter !== undefined && depth === 0 && (!passesCase || PLAIN.test(letter))) letters.push(letter)
    else end()
    if (part === ')') depth--
  }
  end()
  return texts
}

/** The character that a part stands for, undefined when it is more than that. */
function letterOf(part: string): string | undefined {
  if (part.startsWith('\\')) return /^\\[^\p{L}\p{N}]$/u.test(part) ? part.slice(1) : undefined
  return /^[^\\.^$*+?()|[\]{}]$/su.test(part) ? part : undefined
}
