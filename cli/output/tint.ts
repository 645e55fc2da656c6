const RED = 31
const YELLOW = 33
const MAX_LOOKED_AT = 200

const ERRORS = ['fatal', 'panic', 'critical', 'crit', 'emerg', 'alert', 'error', 'err', 'severe']
const WARNINGS = ['warning', 'warn']

/** The word stands first or behind `level=`, or anywhere in capitals. */
function patternsOf(words: readonly string[]): RegExp[] {
  const any = words.join('|')
  return [
    new RegExp(`^[\\s[(<]*(?:${any})\\b|\\b(?:level|lvl|severity)["']?\\s*[=:]\\s*["']?(?:${any})\\b`, 'i'),
    new RegExp(`\\b(?:${any.toUpperCase()})\\b`),
  ]
}

const errors = patternsOf(ERRORS)
const warnings = patternsOf(WARNINGS)

/**
 * The colour (SGR) for a line that looks like an error or a warning. For the eye only: printed lines do not tell the level that the server
 * took from them, which is what --level and level>=error go by.
 */
export function tintOf(line: string): number | undefined {
  const head = line.slice(0, MAX_LOOKED_AT)
  if (errors.some((pattern) => pattern.test(head))) return RED
  return warnings.some((pattern) => pattern.test(head)) ? YELLOW : undefined
}
