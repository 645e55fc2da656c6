import type { Level } from '../../shared/record.ts'
import { FieldSet, type ParsedLine } from './fields.ts'
import { levelOfLetter, levelOfSeverity } from './level.ts'
import { parseLogfmt } from './logfmt.ts'

// Both are anchored and every part is bounded or ends at a character that the next one cannot be: linear.
const KLOG = /^[IWEF](?:\d{4}|\d{8}) \d\d:\d\d:\d\d\.\d{1,9} {1,8}(\d{1,10}) ([^\s:\]]{1,200}:\d{1,7})\] ?/
const SYSLOG_PRIORITY = /^<(\d{1,3})>/
const SYSLOG_5424 = /^1 (\S{1,64}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) /
const SYSLOG_3164 = /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (\S{1,255}) ([^\s:[]{1,48})(?:\[([^\s\]]{1,32})\])?: ?/

const REDIS = /^\d{1,10}:[XCSM] \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3} ([-.*#]) /

const MAX_PRIORITY = 191

/** Reads klog's and glog's `I0102 15:04:05.000000 1 file.go:12] message`; undefined for any other line. */
export function parseKlog(line: string): ParsedLine | undefined {
  const match = KLOG.exec(line)
  if (match === null) return undefined
  const [prefix, thread, caller] = match
  const pairs = parseLogfmt(line, prefix.length)
  const own = new FieldSet()
  own.addText('caller', caller ?? '')
  own.addText('thread', thread ?? '')
  return { level: levelOfLetter(line[0] ?? ''), fields: joined(own.text(), pairs?.fields ?? '') }
}

/** Reads a line that begins with a syslog priority, in the forms of RFC 5424, RFC 3164 and systemd (`<3>text`). */
export function parseSyslog(line: string): ParsedLine | undefined {
  const match = SYSLOG_PRIORITY.exec(line)
  const priority = Number(match?.[1] ?? MAX_PRIORITY + 1)
  if (match === null || priority > MAX_PRIORITY) return undefined
  const fields = new FieldSet()
  fields.add('log.syslog.priority', String(priority))
  addSyslogNames(fields, line.slice(match[0].length, match[0].length + 600))
  return { level: levelOfSeverity(priority & 7), fields: fields.text() }
}

/** The level of Redis' mark behind the time, `1:M 02 Jan 2026 12:00:00.123 * text`; '' for any other line. */
export function levelOfRedis(line: string): Level {
  switch (REDIS.exec(line)?.[1]) {
    case '.':
      return 'debug'
    case '-':
    case '*':
      return 'info'
    case '#':
      return 'warn'
    default:
      return ''
  }
}

function addSyslogNames(fields: FieldSet, rest: string): void {
  const modern = SYSLOG_5424.exec(rest)
  const [hostname, appname, procid, msgid] =
    modern === null ? (SYSLOG_3164.exec(rest)?.slice(1) ?? []) : modern.slice(2)
  const named = { hostname, appname, procid, msgid }
  for (const [name, value] of Object.entries(named)) {
    if (value !== undefined && value !== '-') fields.addText(`log.syslog.${name}`, value)
  }
}

/** One flat JSON object of two whose names differ. */
function joined(first: string, second: string): string {
  return second === '' ? first : `${first.slice(0, -1)},${second.slice(1)}`
}
