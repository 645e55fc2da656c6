import type { Level } from '../../shared/record.ts'

const WORDS: ReadonlyMap<string, Level> = new Map([
  ...words('trace', 'trace trac trc trce finest finer verbose vrb silly all'),
  ...words('debug', 'debug debu dbg dbug fine'),
  ...words('info', 'info inf information informational notice note log config success http'),
  ...words('warn', 'warn warning wrn wrng'),
  ...words('error', 'error err erro eror errors fail failed failure severe exception'),
  ...words('fatal', 'fatal fata ftl critical crit panic pani dpanic alert emerg emergency fault'),
])

/** Words that stand for a level only where a field says "level", not at the start of a line. */
const ONLY_IN_FIELDS = new Set(['all', 'fine', 'finer', 'config', 'success', 'http', 'errors', 'failed', 'failure'])
const LETTERS: ReadonlyMap<string, Level> = new Map([
  ['t', 'trace'],
  ['v', 'trace'],
  ['d', 'debug'],
  ['i', 'info'],
  ['n', 'info'],
  ['w', 'warn'],
  ['e', 'error'],
  ['f', 'fatal'],
  ['c', 'fatal'],
  ['p', 'fatal'],
  ['a', 'fatal'],
])
/** By syslog severity, 0 (emergency) to 7 (debug). */
const SEVERITIES: readonly Level[] = ['fatal', 'fatal', 'fatal', 'error', 'warn', 'info', 'info', 'debug']
/** By pino and bunyan number / 10. */
const PINO: readonly Level[] = ['', 'trace', 'debug', 'info', 'warn', 'error', 'fatal']
/** By OpenTelemetry severity number, four numbers each. */
const OTEL: readonly Level[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']

/** Names, in lower case, of the fields that hold a level. */
const LEVEL_FIELDS = new Set([
  'level',
  'lvl',
  'severity',
  'severitytext',
  'severity_text',
  'loglevel',
  'log_level',
  'log.level',
  'levelname',
  'level_name',
  'record.level.name',
  '@level',
  '@l',
  'sev',
])
const OTEL_FIELDS = new Set(['severitynumber', 'severity_number'])
/** journald's. */
const SYSLOG_FIELD = 'PRIORITY'
/** Longer names and words are never looked up. */
const LONGEST_FIELD = 17
const LONGEST_WORD = 13

function words(level: Level, list: string): [string, Level][] {
  return list.split(' ').map((word) => [word, level])
}

/** The level that a field of a structured line gives; '' when the field is not about the level. `value` is its text, unquoted. */
export function levelOfField(name: string, value: string): Level {
  if (name.length > LONGEST_FIELD || value.length > LONGEST_WORD || value === '') return ''
  if (name === SYSLOG_FIELD) return SEVERITIES[Number(value)] ?? ''
  const lower = name.toLowerCase()
  if (LEVEL_FIELDS.has(lower)) return levelOfValue(value)
  return OTEL_FIELDS.has(lower) ? (OTEL[Math.floor((Number(value) - 1) / 4)] ?? '') : ''
}

/** The level of a syslog severity, 0 to 7. */
export function levelOfSeverity(severity: number): Level {
  return SEVERITIES[severity] ?? ''
}

/** The level that one letter stands for in klog and logcat; '' for any other. */
export function levelOfLetter(letter: string): Level {
  return LETTERS.get(letter.toLowerCase()) ?? ''
}

/** The level that a word in any case stands for at the head of a line; '' for any other word. */
export function levelOfWord(word: string): Level {
  if (word.length > LONGEST_WORD) return ''
  const lower = word.toLowerCase()
  return ONLY_IN_FIELDS.has(lower) ? '' : (WORDS.get(lower) ?? '')
}

/** pino counts 10 to 60, GELF and syslog 7 to 0; names come in any case, abbreviated to a letter at the shortest. */
function levelOfValue(value: string): Level {
  const code = value.charCodeAt(0)
  if (code >= 0x30 && code <= 0x39) {
    const number = Number(value)
    return number < 10 ? (SEVERITIES[number] ?? '') : (PINO[Math.floor(number / 10)] ?? '')
  }
  return value.length === 1 ? levelOfLetter(value) : (WORDS.get(value.toLowerCase()) ?? '')
}
