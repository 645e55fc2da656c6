import type { Condition } from '../../shared/query/ast.ts'
import { compileRegex } from '../../shared/query/regex.ts'
import { type PatternPart, patternParts } from '../../shared/query/words.ts'
import { numberIn } from './field-text.ts'
import { lower } from './filter.ts'

/** A text, and itself in lower case, made when first asked for. */
export interface Text {
  readonly text: string
  readonly lower: string
}

/** Whether a text that is not missing meets a condition. */
export type TextTest = (text: Text) => boolean

/** The text with its lower case. */
export function textOf(text: string): Text {
  let lowered: string | undefined
  return {
    text,
    get lower() {
      lowered ??= lower(text)
      return lowered
    },
  }
}

/** What a condition asks of the text of a field or label. */
export function textTest(condition: Condition): TextTest {
  switch (condition.op) {
    case 'text':
      return condition.isExact ? includes(condition.text) : includesLower(lower(condition.text))
    case 'regex': {
      const regex = compileRegex(condition.source, condition.isInsensitive)
      return ({ text }) => regex(text)
    }
    case 'glob':
      return globTest(patternParts(condition.pattern))
    case 'exists':
      return () => true
    case 'compare':
      return compareTest(condition)
  }
}

function includes(wanted: string): TextTest {
  return ({ text }) => text.includes(wanted)
}

function includesLower(wanted: string): TextTest {
  return (text) => text.lower.includes(wanted)
}

function compareTest({ by, value, isExact }: Extract<Condition, { op: 'compare' }>): TextTest {
  if (typeof value === 'number') {
    return ({ text }) => {
      const number = numberIn(text)
      return number !== undefined && holds(number - value, by)
    }
  }
  if (by !== '=') return ({ text }) => holds(compareTexts(text, value), by)
  if (isExact) return ({ text }) => text === value
  const wanted = lower(value)
  return (text) => text.lower === wanted
}

/** Whether a comparison holds, by the sign of how the left side differs from the right. */
export function holds(difference: number, by: '=' | '>' | '>=' | '<' | '<='): boolean {
  switch (by) {
    case '=':
      return difference === 0
    case '>':
      return difference > 0
    case '>=':
      return difference >= 0
    case '<':
      return difference < 0
    case '<=':
      return difference <= 0
  }
}

/** Compares by code points, as stores do that keep UTF-8. */
export function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)]
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

/** Surrogates stand for what comes after all that one code unit can say. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}

function globTest(parts: readonly PatternPart[]): TextTest {
  if (parts.some(({ kind }) => kind === 'one')) return globRegex(parts)
  const isOpen = parts.at(-1)?.kind === 'any'
  const isFree = parts[0]?.kind === 'any'
  const texts = parts.flatMap((part) => (part.kind === 'text' ? [lower(part.text)] : []))
  const last = isOpen ? undefined : texts.pop()
  return (text) => {
    const end = last === undefined ? text.lower.length : text.lower.length - last.length
    if (last !== undefined && !text.lower.endsWith(last)) return false
    let at = 0
    for (const [index, part] of texts.entries()) {
      const found = index === 0 && !isFree ? (text.lower.startsWith(part) ? 0 : -1) : text.lower.indexOf(part, at)
      if (found < 0) return false
      at = found + part.length
    }
    return at <= end
  }
}

function globRegex(parts: readonly PatternPart[]): TextTest {
  const source = parts.map((part) => {
    if (part.kind === 'text') return lower(part.text).replaceAll(/[^\p{L}\p{N}]/gu, hexOf)
    return part.kind === 'any' ? '.*' : '.'
  })
  const regex = compileRegex(`^(?s:${source.join('')})$`, false)
  return (text) => regex(text.lower)
}

function hexOf(letter: string): string {
  return `\\x{${letter.codePointAt(0)?.toString(16)}}`
}
