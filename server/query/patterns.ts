import type { StoredRecord } from '../../shared/record.ts'
import { type EventRecord, headOf } from '../events/record.ts'
import { smaller } from '../store/bigint.ts'
import { templateOf } from './template.ts'

const WILDCARD = '<*>'
/** Patterns at most; lines that fit none of them are only counted. */
const MAX_PATTERNS = 2_000
/** Texts whose pattern is remembered. */
const MAX_KNOWN = 20_000
/** Of so many patterns of one length and beginning the likest is looked for. */
const MAX_RIVALS = 100
/** More than that part of the words of two lines that are alike must be the same. */
const LIKENESS = 0.5

/** The two windows that are counted. */
export type Window = 'now' | 'before'

/** Lines that have most of their words in common. */
export interface Pattern {
  tokens: string[]
  now: number
  before: number
  /** Times of the first and the last line of the window `now`. */
  first: bigint
  last: bigint
  /** The newest of them. */
  readonly example: StoredRecord
}

/** Clusters lines by what they have in common, after Drain (He et al. 2017): by number of words and first word, then by likeness. */
export class Patterns {
  readonly #known = new Map<string, Pattern>()
  readonly #groups = new Map<string, Pattern[]>()
  #count = 0
  /** Lines of the window `now` that fit none when there were too many. */
  unclustered = 0

  /** Takes a line, or an event, which is like its first line; those of a window come newest first. */
  take(record: StoredRecord | EventRecord, window: Window): void {
    const text = templateOf(headOf(record))
    const pattern = this.#known.get(text) ?? this.#find(text, record)
    if (pattern === undefined) {
      if (window === 'now') this.unclustered++
      return
    }
    pattern[window]++
    if (window === 'before') return
    if (record.time < pattern.first) pattern.first = record.time
    if (record.time > pattern.last) pattern.last = record.time
  }

  /** Those of the window `now`. */
  all(): Pattern[] {
    return this.both().filter(({ now }) => now > 0)
  }

  /** Those of both windows; ones that have become the same are one. */
  both(): Pattern[] {
    const byText = new Map<string, Pattern>()
    for (const pattern of [...this.#groups.values()].flat()) {
      const text = patternText(pattern)
      const same = byText.get(text)
      byText.set(text, same === undefined ? pattern : united(same, pattern))
    }
    return [...byText.values()]
  }

  #find(text: string, record: StoredRecord): Pattern | undefined {
    const tokens = text.trim().split(/\s+/)
    const [first = ''] = tokens
    const key = `${tokens.length} ${first.includes('<') ? WILDCARD : first}`
    const group = this.#groups.get(key) ?? []
    const pattern = likest(group, tokens) ?? this.#add(key, group, tokens, record)
    if (pattern !== undefined && this.#known.size < MAX_KNOWN) this.#known.set(text, pattern)
    return pattern
  }

  #add(key: string, group: Pattern[], tokens: string[], record: StoredRecord): Pattern | undefined {
    if (this.#count >= MAX_PATTERNS) return undefined
    this.#count++
    const pattern = { tokens, now: 0, before: 0, first: record.time, last: record.time, example: record }
    group.push(pattern)
    this.#groups.set(key, group)
    return pattern
  }
}

/** A pattern as text. */
export function patternText({ tokens }: Pattern): string {
  return tokens.join(' ')
}

/** The pattern that the words fit best, widened to take them. */
function likest(group: readonly Pattern[], tokens: readonly string[]): Pattern | undefined {
  let best: Pattern | undefined
  let most = LIKENESS * tokens.length
  for (const pattern of group.slice(0, MAX_RIVALS)) {
    const same = tokens.reduce((sum, token, index) => sum + (pattern.tokens[index] === token ? 1 : 0), 0)
    if (same <= most) continue
    best = pattern
    most = same
  }
  if (best !== undefined && most < tokens.length)
    best.tokens = best.tokens.map((token, index) => (token === tokens[index] ? token : WILDCARD))
  return best
}

function united(a: Pattern, b: Pattern): Pattern {
  const newer = b.last > a.last ? b : a
  return {
    ...newer,
    ...{ now: a.now + b.now, before: a.before + b.before },
    ...{ first: smaller(a.first, b.first), last: newer.last },
  }
}
