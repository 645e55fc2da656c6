import { LINE_LABELS, STREAM_LABELS } from '../../shared/query/ast.ts'
import { LEVELS } from '../../shared/record.ts'

const WORD = /[^\s()]*$/

/** Terms that every query may have. */
export const TERMS: readonly string[] = [
  ...[...STREAM_LABELS, ...LINE_LABELS].map((label) => `${label}:`),
  ...LEVELS.map((level) => `level>=${level}`),
]

/** The text before the cursor with its last word completed as far as all terms that fit agree, and these terms. */
export function completed(before: string, terms: readonly string[]): { text: string; fitting: readonly string[] } {
  const [word = ''] = WORD.exec(before) ?? []
  // `-service:web` excludes what `service:web` finds.
  const [, sign = '', start = ''] = /^(-?)(.*)$/s.exec(word) ?? []
  const fitting = terms.filter((term) => term.toLowerCase().startsWith(start.toLowerCase()))
  const [first] = fitting
  if (first === undefined) return { text: before, fitting }
  const common = fitting.reduce((agreed, term) => shared(agreed, term), first)
  const isWhole = fitting.length === 1 && !common.endsWith(':')
  return { text: `${before.slice(0, before.length - word.length)}${sign}${common}${isWhole ? ' ' : ''}`, fitting }
}

function shared(one: string, other: string): string {
  let length = 0
  while (length < one.length && one[length]?.toLowerCase() === other[length]?.toLowerCase()) length++
  return one.slice(0, length)
}
