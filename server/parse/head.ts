import type { Level } from '../../shared/record.ts'
import { levelOfField, levelOfLetter, levelOfWord } from './level.ts'

/** A level stands within so many characters of the line's start, and behind no more than so many blanks. */
const HEAD_LENGTH = 160
const MAX_BLANKS = 4
const MAX_BLANKS_TIMED = 12
const LONGEST_WORD = 13

const UPPER = 1
const LOWER = 2
const LETTER = UPPER | LOWER
const DIGIT = 4
/** Joins what it stands between to a name, a path or an address: `error.log`, `--debug`, `/info`. */
const GLUE = 8
const BLANK = 16
const OPENING = 32
const CLOSING = 64

const CLASS = new Uint8Array(128)
for (let code = 0x41; code <= 0x5a; code++) CLASS[code] = UPPER
for (let code = 0x61; code <= 0x7a; code++) CLASS[code] = LOWER
for (let code = 0x30; code <= 0x39; code++) CLASS[code] = DIGIT
for (const [characters, kind] of [
  ["_-./\\@+$%&=#'", GLUE],
  [' \t', BLANK],
  ['[<|', OPENING],
  [']>|', CLOSING],
] as const)
  for (const character of characters) CLASS[character.charCodeAt(0)] = (CLASS[character.charCodeAt(0)] ?? 0) | kind

const QUOTE = 0x22
const SLASH = 0x2f
const COLON = 0x3a
const EQUALS = 0x3d
const TAB = 0x09
const OPEN_PARENTHESIS = 0x28

/** Behind one of these, the second word is read like a first one. */
const SPEAKERS = ['PHP ', 'npm ']
/** Words that, as the first of a sentence, still give its level: `Error while reading`. */
const OPENERS = new Set(['error', 'err', 'warning', 'warn', 'fatal', 'panic', 'exception'])
/** Beginnings of stack traces. */
const CRASHES = ['Traceback (most recent', 'Unhandled exception', 'Unhandled Exception', 'Uncaught ']

/** What stands before a line's message. */
export interface Head {
  readonly level: Level
  /** Where the text behind the level begins. */
  readonly end: number
}

const NO_LEVEL: Head = { level: '', end: 0 }

/**
 * Finds the level in the first words of a line, as loggers write it: `ERROR text`, `[warn] text`, `2026-01-02 12:00:00,123 INFO text`,
 * `WARNING:root:text`, `TypeError: text`. Reads at most 160 characters, each once. The line has no colour codes.
 */
export function levelOfHead(line: string): Head {
  const end = Math.min(line.length, HEAD_LENGTH)
  const start = startOf(line)
  const isTimed = startsTimed(line, start)
  const maxBlanks = isTimed ? MAX_BLANKS_TIMED : MAX_BLANKS
  let blanks = 0
  for (let at = start; at < end; at++) {
    const code = line.charCodeAt(at)
    const kind = classOf(code)
    if ((kind & LETTER) === 0) {
      // What is quoted is not the logger's own word.
      if (code === QUOTE || (kind === BLANK && ++blanks > maxBlanks)) break
      continue
    }
    const wordStart = at
    for (at++; (classOf(line.charCodeAt(at)) & LETTER) !== 0; ) at++
    const level = levelOfToken({ line, lineStart: start, start: wordStart, end: at, isTimed })
    if (level !== '') return { level, end: at }
    at--
  }
  return nameOfError(line, start)
}

/** NaN, at the end of the line, and what is not ASCII separate words. */
function classOf(code: number): number {
  return code < 128 ? (CLASS[code] ?? 0) : 0
}

function startOf(line: string): number {
  const speaker = SPEAKERS.find((word) => line.startsWith(word))
  if (speaker !== undefined) return speaker.length
  let at = 0
  while (at < HEAD_LENGTH && classOf(line.charCodeAt(at)) === BLANK) at++
  return at
}

/** Whether the line begins with a time, a date or a bracket, as a logger's prefix does. */
function startsTimed(line: string, start: number): boolean {
  const kind = classOf(line.charCodeAt(start))
  if (kind === DIGIT) {
    const blank = line.indexOf(' ', start)
    const wordEnd = blank < 0 ? line.length : blank
    return wordEnd - start >= 5 || line.slice(start, wordEnd).includes(':')
  }
  return kind === OPENING || (kind === UPPER && /^[A-Z][a-z]{2},? +\d/.test(line.slice(start, start + 7)))
}

interface Token {
  readonly line: string
  readonly lineStart: number
  readonly start: number
  readonly end: number
  readonly isTimed: boolean
}

function levelOfToken(token: Token): Level {
  const { line, start, end } = token
  const length = end - start
  if (length > LONGEST_WORD) return ''
  if (length === 1) return levelOfMark(token)
  const before = classOf(line.charCodeAt(start - 1))
  const after = line.charCodeAt(end)
  if (start > 0 && (before & (DIGIT | GLUE)) !== 0) return ''
  if (after === EQUALS) return levelOfField(line.slice(start, end), pairValue(line, end + 1))
  const word = line.slice(start, end)
  const level = levelOfWord(word)
  if (level === '') return ''
  return isLevel(token, word, after) ? level : ''
}

/** Whether a word that names a level is meant as one, by how it is written and what it stands between. */
function isLevel({ line, lineStart, start, isTimed }: Token, word: string, after: number): boolean {
  const isUpper = word === word.toUpperCase()
  const kindAfter = classOf(after)
  // Celery's `INFO/MainProcess`.
  if (after === SLASH) return isUpper && isTimed
  if ((kindAfter & (DIGIT | GLUE)) !== 0) return false
  if (isUpper) return true
  const before = line.charCodeAt(start - 1)
  const kindBefore = classOf(before)
  const isClosed = (kindAfter & CLOSING) !== 0
  // `[warn]`, and Apache's `[core:error]`.
  if (isClosed && start > 0 && ((kindBefore & OPENING) !== 0 || before === COLON)) return true
  if (start === lineStart) return after === COLON || (after !== OPEN_PARENTHESIS && OPENERS.has(word.toLowerCase()))
  if (!isTimed) return false
  return after === COLON || (kindAfter === BLANK && followsPrefix(line, start))
}

/** A lower-case level behind a time, as in `12:00:00 info text`, or in a column of its own: `- info -`, `\tinfo\t`. */
function followsPrefix(line: string, start: number): boolean {
  if (line.charCodeAt(start - 1) === TAB) return true
  let at = start - 1
  while (classOf(line.charCodeAt(at)) === BLANK) at--
  const last = line[at] ?? ''
  return (classOf(last.charCodeAt(0)) & (DIGIT | CLOSING)) !== 0 || last === '-' || last === 'Z'
}

/** logcat's and etcd's single letter behind a time or a number: `12:00:00.123  1  2 E Tag: text`. */
function levelOfMark({ line, start, isTimed }: Token): Level {
  if (!isTimed || classOf(line.charCodeAt(start + 1)) !== BLANK || classOf(line.charCodeAt(start - 1)) !== BLANK)
    return ''
  if (classOf(line.charCodeAt(start - 2)) !== DIGIT) return ''
  const letter = line[start] ?? ''
  return 'VDIWEF'.includes(letter) ? levelOfLetter(letter) : ''
}

/** The beginning of a pair's value, quoted or not. */
function pairValue(line: string, at: number): string {
  const start = line.charCodeAt(at) === QUOTE ? at + 1 : at
  let end = start
  while (end - start <= LONGEST_WORD && (classOf(line.charCodeAt(end)) & (LETTER | DIGIT)) !== 0) end++
  return line.slice(start, end)
}

/** `TypeError: text`, `java.lang.IllegalStateException: text`, and the first lines of stack traces. */
function nameOfError(line: string, start: number): Head {
  let end = start
  while (end - start < HEAD_LENGTH && isNamePart(line.charCodeAt(end))) end++
  if (line.charCodeAt(end) === COLON) {
    const name = line.slice(start, end)
    if (name.endsWith('Error') || name.endsWith('Exception')) return { level: 'error', end }
  }
  return CRASHES.some((crash) => line.startsWith(crash, start)) ? { level: 'error', end: start } : NO_LEVEL
}

function isNamePart(code: number): boolean {
  return (classOf(code) & (LETTER | DIGIT)) !== 0 || code === 0x2e || code === 0x5f || code === 0x24
}
