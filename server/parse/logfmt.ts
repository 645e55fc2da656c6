import type { Level } from '../../shared/record.ts'
import { FieldSet, type ParsedLine } from './fields.ts'
import { levelOfField } from './level.ts'

const QUOTE = 0x22
const EQUALS = 0x3d
const BACKSLASH = 0x5c
const MAX_KEY = 128
/** With fewer pairs than this, a `key=value` in a sentence would pass for logfmt. */
const MIN_PAIRS = 2

/** Whether a `key=value` begins at `at`. */
export function startsWithPair(line: string, at: number): boolean {
  const end = keyEnd(line, at)
  return end > at && line.charCodeAt(end) === EQUALS
}

/**
 * Reads the `key=value` and `key="quoted value"` pairs of a line from `at` on; words between them are left alone. Undefined
 * when there are fewer than two. One pass; values stay text.
 */
export function parseLogfmt(line: string, at: number): ParsedLine | undefined {
  const fields = new FieldSet()
  let level: Level = ''
  let next = at
  while (next < line.length) {
    const end = keyEnd(line, next)
    if (end === next || line.charCodeAt(end) !== EQUALS) {
      next = nextWord(line, end)
      continue
    }
    const name = line.slice(next, end)
    const valueEnd = line.charCodeAt(end + 1) === QUOTE ? quotedEnd(line, end + 1) : wordEnd(line, end + 1)
    const value = textOf(line.slice(end + 1, valueEnd))
    fields.addText(name, value)
    if (level === '') level = levelOfField(name, value)
    next = nextWord(line, valueEnd)
  }
  return fields.size < MIN_PAIRS ? undefined : { level, fields: fields.text() }
}

/** Where the key that begins at `at` ends; `at` when none begins there. Keys are letters, digits and `_ . - / @`, a letter or _ or @ first. */
function keyEnd(line: string, at: number): number {
  const first = line.charCodeAt(at)
  if (!isLetter(first) && first !== 0x5f && first !== 0x40) return at
  const limit = Math.min(line.length, at + MAX_KEY)
  let end = at + 1
  while (end < limit && isKeyPart(line.charCodeAt(end))) end++
  return end
}

function isLetter(code: number): boolean {
  return (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a
}

function isKeyPart(code: number): boolean {
  return isLetter(code) || (code >= 0x2d && code <= 0x39) || code === 0x5f || code === 0x40
}

function wordEnd(line: string, at: number): number {
  let end = at
  while (end < line.length && !isBlank(line.charCodeAt(end))) end++
  return end
}

/** The start of the next word: behind the next blanks. */
function nextWord(line: string, at: number): number {
  let start = wordEnd(line, at)
  while (start < line.length && isBlank(line.charCodeAt(start))) start++
  return start
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a
}

/** Behind the closing quote, or the end of the line when there is none. */
function quotedEnd(line: string, open: number): number {
  for (let at = open + 1; at < line.length; at++) {
    const code = line.charCodeAt(at)
    if (code === BACKSLASH) at++
    else if (code === QUOTE) return at + 1
  }
  return line.length
}

function textOf(raw: string): string {
  if (raw.charCodeAt(0) !== QUOTE) return raw
  if (!raw.includes('\\')) return raw.replaceAll('"', '')
  try {
    const value: unknown = JSON.parse(raw)
    if (typeof value === 'string') return value
  } catch {
    // Go quotes with escapes that JSON does not have: the text between the quotes stays as it is.
  }
  return raw.endsWith('"') ? raw.slice(1, -1) : raw.slice(1)
}
