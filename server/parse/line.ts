import { withoutColours } from './ansi.ts'
import type { ParsedLine } from './fields.ts'
import { levelOfHead } from './head.ts'
import { parseJson } from './json.ts'
import { parseLogfmt, startsWithPair } from './logfmt.ts'
import { levelOfRedis, parseKlog, parseSyslog } from './prefixes.ts'

/** What is behind this many characters of a line is not looked at. */
const MAX_INPUT = 64 * 1024

const NOTHING: ParsedLine = { level: '', fields: '' }

const BLANKS = /^[ \t]{0,64}/

/**
 * Takes level and fields from a line, once, when it arrives: JSON, logfmt, klog, syslog, or the level among its first words.
 * Takes time linear in the first 64 Ki characters, whatever is in them, and never throws.
 */
export function parseLine(message: string): ParsedLine {
  const isCut = message.length > MAX_INPUT
  const line = withoutColours(isCut ? message.slice(0, MAX_INPUT) : message)
  const start = startOf(line)
  switch (line.charCodeAt(start)) {
    case 0x7b: // {
      return parseJson(line, isCut) ?? parsePlain(line, start)
    case 0x3c: // <
      return parseSyslog(line) ?? parsePlain(line, start)
    case 0x45: // E
    case 0x46: // F
    case 0x49: // I
    case 0x57: // W
      return parseKlog(line) ?? parsePlain(line, start)
    default:
      return parsePlain(line, start)
  }
}

function startOf(line: string): number {
  const first = line.charCodeAt(0)
  return first === 0x20 || first === 0x09 ? (BLANKS.exec(line)?.[0].length ?? 0) : 0
}

function parsePlain(line: string, start: number): ParsedLine {
  const hasPair = line.indexOf('=') > 0
  const pairs = hasPair && startsWithPair(line, start) ? parseLogfmt(line, start) : undefined
  if (pairs !== undefined && pairs.level !== '') return pairs
  const head = levelOfHead(line)
  const level = head.level === '' ? levelOfRedis(line) : head.level
  if (pairs !== undefined) return { level, fields: pairs.fields }
  if (level === '') return NOTHING
  const behind = hasPair ? parseLogfmt(line, head.end) : undefined
  return { level, fields: behind?.fields ?? '' }
}
