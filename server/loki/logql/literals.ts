import { parseDuration } from '../../../shared/time.ts'
import { refused } from '../refuse.ts'

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' },
  ...{ '\\': '\\', '"': '"', "'": "'" },
}
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))/gs

const BYTE_UNITS = ['', 'k', 'm', 'g', 't', 'p', 'e']
const BYTES = /^(\d+(?:\.\d+)?)\s*([kmgtpe]?)(i?)b?$/i

const NS_PER_SECOND = 1e9

/** The text that a string literal of Go stands for: `raw` or "with escapes". */
export function unquote(literal: string): string {
  const inner = literal.slice(1, -1)
  if (literal.startsWith('`')) return inner
  return inner.replace(ESCAPE, (whole, hex2, hex4, hex8, octal, letter) => {
    const hex = hex2 ?? hex4 ?? hex8
    const code = hex !== undefined ? Number.parseInt(hex, 16) : octal !== undefined ? Number.parseInt(octal, 8) : -1
    if (code > 0x10ffff) throw refused(`cannot read the string ${literal.slice(0, 100)}: ${whole} is no character`)
    if (code >= 0) return String.fromCodePoint(code)
    const found = ESCAPES[letter]
    if (found !== undefined) return found
    throw refused(`cannot read the string ${literal.slice(0, 100)}: there is no ${whole}; write \\\\ or use backquotes`)
  })
}

/** Nanoseconds of a range, step or offset: 5m, 1h30m, 1.5h. */
export function nanoseconds(text: string): bigint {
  const isNegative = text.startsWith('-')
  try {
    const length = parseDuration(isNegative ? text.slice(1) : text)
    return isNegative ? -length : length
  } catch (cause) {
    throw refused((cause as Error).message, { cause })
  }
}

/** Seconds of a duration, undefined when it is none. */
export function seconds(text: string): number | undefined {
  try {
    return Number(nanoseconds(text.trim())) / NS_PER_SECOND
  } catch {
    return undefined
  }
}

/** Bytes of a size, undefined when it is none: 5MB is 5,000,000, 5MiB is 5,242,880. */
export function bytes(text: string): number | undefined {
  const [, amount, prefix = '', binary = ''] = BYTES.exec(text.trim()) ?? []
  if (amount === undefined) return undefined
  return Math.floor(Number(amount) * (binary === '' ? 1000 : 1024) ** BYTE_UNITS.indexOf(prefix.toLowerCase()))
}
