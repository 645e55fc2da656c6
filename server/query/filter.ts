import { SwarmlogsError } from '../../shared/errors.ts'
import type { Expression } from '../../shared/query/ast.ts'
import type { LogStream } from '../../shared/record.ts'
import { type Line, matcherOf } from './matches.ts'
import { type Filter, MAX_GREP_CHARS } from './query.ts'

/** Throws SWARMLOGS_LIMIT when a text that the filter looks for is longer than what stores can search for. */
export function checkGrep({ grep, where }: Filter): void {
  if (grep.length <= MAX_GREP_CHARS && (where === undefined || longestText(where) <= MAX_GREP_CHARS)) return
  const message = `cannot search for a text of over ${MAX_GREP_CHARS} characters: search for a part of it`
  throw new SwarmlogsError('SWARMLOGS_LIMIT', message)
}

function longestText(expression: Expression): number {
  if (expression.op === 'text') return expression.text.length
  if (expression.op === 'not') return longestText(expression.of)
  return 'of' in expression ? Math.max(0, ...expression.of.map(longestText)) : 0
}

/** Whether the filter's choice of streams (everything but `sources` and `grep`) takes this stream, or lines of it as far as `where` goes. */
export function streamMatches(filter: Filter, stream: LogStream): boolean {
  return (
    some(filter.services, (pattern) => globMatches(pattern, stream.service)) &&
    some(filter.stacks, (pattern) => globMatches(pattern, stream.stack)) &&
    some(filter.tasks, (pattern) => taskMatches(pattern, stream)) &&
    some(filter.nodes, (pattern) => nameOrIdMatches(pattern, stream.nodeName, stream.nodeId)) &&
    some(filter.containers, (pattern) => nameOrIdMatches(pattern, stream.containerName, stream.containerId)) &&
    (filter.accepts?.(stream) ?? true) &&
    (filter.where === undefined || matcherOf(filter.where).stream(stream) !== false)
  )
}

/** Whether the filter asks for more than streams and sources, so that its lines must be looked at. */
export function looksAtLines({ grep, where }: Filter): boolean {
  return grep !== '' || where !== undefined
}

/** Whether the filter takes a line, as far as its `sources`, `grep` and `where` go; must say the same as the stores do. */
export function lineMatches(filter: Filter, line: Line): boolean {
  return (
    (filter.sources.length === 0 || filter.sources.includes(line.source)) &&
    messageMatches(filter, line.message) &&
    (filter.where === undefined || matcherOf(filter.where).line(line))
  )
}

/** Whether the filter's `grep` is in the message, case-insensitive; must say the same as the stores do. */
export function messageMatches(filter: Filter, message: string): boolean {
  return filter.grep === '' || lower(message).includes(lower(filter.grep))
}

/** Whether the glob (`*`: any characters, `?`: one) matches the whole name; linear in memory, at worst |pattern| x |name| steps. */
export function globMatches(pattern: string, name: string): boolean {
  let p = 0
  let n = 0
  let star = -1
  let resume = 0
  while (n < name.length) {
    if (pattern[p] === '*') {
      star = p++
      resume = n
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === name[n])) {
      p++
      n++
    } else if (star >= 0) {
      p = star + 1
      n = ++resume
    } else {
      return false
    }
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

function some(patterns: readonly string[], matches: (pattern: string) => boolean): boolean {
  return patterns.length === 0 || patterns.some(matches)
}

function nameOrIdMatches(pattern: string, name: string, id: string): boolean {
  return globMatches(pattern, name) || (pattern !== '' && id.startsWith(pattern))
}

/** `web.1` is the head of the task name `web.1.<task id>`, and must not match `web.10.<task id>`. */
function taskMatches(pattern: string, stream: LogStream): boolean {
  if (nameOrIdMatches(pattern, stream.taskName, stream.taskId)) return true
  return stream.taskName !== '' && globMatches(`${pattern}.*`, stream.taskName)
}

/*
 * Lower case as DuckDB's lower() has it: letter by letter, without the rules that look at the neighbours (final sigma) or yield
 * two letters, and as of its older Unicode: these letters stay as they are. A test compares all of Unicode.
 */
const SPECIAL = /[\u0130\u03a3\u1c89\ua7cb\ua7cc\ua7ce\ua7d2\ua7d4\ua7da\ua7dc\u{10d50}-\u{10d65}\u{16ea0}-\u{16eb8}]/u

/** The text in lower case, letter by letter: the form in which the stores compare. */
export function lower(text: string): string {
  if (!SPECIAL.test(text)) return text.toLowerCase()
  let result = ''
  for (const letter of text) result += SPECIAL.test(letter) ? lowerSpecial(letter) : letter.toLowerCase()
  return result
}

function lowerSpecial(letter: string): string {
  if (letter === '\u03a3') return '\u03c3'
  return letter === '\u0130' ? 'i' : letter
}
