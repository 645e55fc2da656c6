import { oddCapital } from './signature.ts'
import { packCounts, type WordCounts } from './word-counts.ts'

const MIN_LETTERS = 4
/** The last letter that is a hexadecimal digit. */
const LAST_HEX = 102
/** Of a block with more than that nothing is told: lines full of ids of letters have as many words as there are ids. */
const MAX_WORDS = 4_096
const MAX_LETTERS = 32_768
const MAX_PAIRS = 32_768
const MAX_TEXT = 262_144
/** Four times as many places as words. */
const TABLE_MASK = 4 * MAX_WORDS - 1
/** Words that stand closer in the table were chosen to. */
const MAX_PROBES = 64
/** Places for runs of four letters; words that share one by chance stand as one, and that is all. */
const PLACES_MASK = 2 ** 18 - 1
const QUAD_MASK = 0xfffff
/** Of a stamp the bits below are a word's number in its line, those above the line's number in its block: neither has more. */
const WORD_BITS = 16
const WORD_MASK = 2 ** WORD_BITS - 1

/** By byte: the letter in lower case, 0 for what is none. */
const LOWER = new Uint8Array(256)
for (let letter = 97; letter <= 122; letter++) LOWER[letter] = LOWER[letter - 32] = letter

/**
 * Counts in how many lines each word is, one block after the other. A word is a run of letters of ASCII, four at least, that are not all
 * hexadecimal digits; see word-counts.ts.
 */
export class WordCounter {
  /** Letters of all words, one behind the other, and where each begins. */
  readonly #letters = new Uint8Array(MAX_LETTERS)
  readonly #starts = [0]
  /** By hash: the number of a word, from 1. */
  readonly #table = new Uint16Array(TABLE_MASK + 1)
  /** In which line of the block a run of four letters was last seen, and in which word of it. */
  readonly #stamps = new Uint32Array(PLACES_MASK + 1)
  /** The words of the line, and with which one before each stands as one: itself if with none. */
  #words: number[] = []
  #joined: number[] = []
  #hasJoined = false
  /** In which line a word was last seen. */
  readonly #seen = new Uint16Array(MAX_WORDS)
  /** How many lines have words that stand as one, by group; by the numbers of the words. */
  readonly #counts = new Map<string, Map<number, number>>()
  /** The same of words that stand for themselves, for speed. */
  readonly #alone: (Map<number, number> | undefined)[] = []
  #pairs = 0
  #text = 0
  #lines = 0
  #isUnknown = false

  /** Adds a line in UTF-8 of a group (see `groupOf`); a block has 65,535 at most. */
  add(group: number, text: Uint8Array): void {
    if (this.#isUnknown) return
    this.#lines++
    this.#words = []
    this.#joined = []
    this.#hasJoined = false
    const isKnown = this.#read(text)
    if (isKnown) this.#count(group)
    if (!isKnown || this.#pairs > MAX_PAIRS || this.#text > MAX_TEXT) this.giveUp()
  }

  /** Has nothing be told of the block. */
  giveUp(): void {
    this.#isUnknown = true
  }

  /** The counts of what was added since it was last asked, packed; empty when nothing is told of it. */
  finish(): Uint8Array {
    const packed = this.#isUnknown ? new Uint8Array() : packCounts(this.#byText())
    this.#starts.length = 1
    this.#table.fill(0)
    this.#stamps.fill(0)
    this.#seen.fill(0)
    this.#counts.clear()
    this.#alone.length = 0
    this.#pairs = this.#text = this.#lines = 0
    this.#isUnknown = false
    return packed
  }

  /** Finds the words of a line; false when they cannot be told. */
  #read(text: Uint8Array): boolean {
    let from = 0
    let isHex = true
    for (let at = 0; at <= text.length; at++) {
      const byte = text[at] ?? 0
      const letter = LOWER[byte] ?? 0
      if (letter !== 0) {
        isHex &&= letter <= LAST_HEX
        continue
      }
      if (!isHex && at - from >= MIN_LETTERS && !this.#addWord(text, from, at)) return false
      // In lower case it would be a letter of ASCII.
      if (byte >= 0x80 && oddCapital(text, at) !== 0) return false
      from = at + 1
      isHex = true
    }
    return true
  }

  #addWord(text: Uint8Array, from: number, to: number): boolean {
    const word = this.#numberOf(text, from, to)
    if (word === undefined) return false
    if (this.#seen[word] === this.#lines) return true
    this.#seen[word] = this.#lines
    const index = this.#words.push(word) - 1
    this.#joined.push(index)
    const line = this.#lines << WORD_BITS
    let quad = 0
    for (let at = from; at < to; at++) {
      quad = ((quad << 5) | ((LOWER[text[at] ?? 0] ?? 0) & 31)) & QUAD_MASK
      if (at - from < MIN_LETTERS - 1) continue
      const place = (quad ^ (quad >>> 7)) & PLACES_MASK
      const stamp = this.#stamps[place] ?? 0
      if (stamp >>> WORD_BITS === this.#lines) this.#join(index, stamp & WORD_MASK)
      else this.#stamps[place] = line | index
    }
    return true
  }

  /** Gives a word its number; undefined when there are too many. */
  #numberOf(text: Uint8Array, from: number, to: number): number | undefined {
    let place = placeOf(text, from, to)
    for (let probes = 0; this.#table[place] !== 0; place = (place + 1) & TABLE_MASK) {
      const word = (this.#table[place] ?? 0) - 1
      if (this.#is(word, text, from, to)) return word
      if (++probes === MAX_PROBES) return undefined
    }
    const word = this.#starts.length - 1
    const start = this.#starts[word] ?? 0
    const end = start + to - from
    if (word === MAX_WORDS || end > MAX_LETTERS) return undefined
    for (let at = from; at < to; at++) this.#letters[start + at - from] = LOWER[text[at] ?? 0] ?? 0
    this.#starts.push(end)
    this.#table[place] = word + 1
    return word
  }

  #is(word: number, text: Uint8Array, from: number, to: number): boolean {
    const start = this.#starts[word] ?? 0
    if ((this.#starts[word + 1] ?? 0) - start !== to - from) return false
    for (let at = from; at < to; at++) if (this.#letters[start + at - from] !== LOWER[text[at] ?? 0]) return false
    return true
  }

  /** Has two words of the line stand as one, with all that each already stands with. */
  #join(a: number, b: number): void {
    if (a === b) return
    this.#hasJoined = true
    const [first, second] = [this.#firstOf(a), this.#firstOf(b)]
    this.#joined[Math.max(first, second)] = Math.min(first, second)
  }

  #firstOf(index: number): number {
    let first = index
    for (let next = this.#joined[first] ?? first; next !== first; next = this.#joined[first] ?? first) {
      // The way is shorter the next time.
      this.#joined[first] = this.#joined[next] ?? next
      first = next
    }
    return first
  }

  #count(group: number): void {
    if (!this.#hasJoined) {
      for (const word of this.#words) {
        const counts = this.#alone[word] ?? this.#countsOf([word])
        this.#alone[word] = counts
        this.#increment(counts, group)
      }
      return
    }
    const together = new Map<number, number[]>()
    for (const [index, word] of this.#words.entries()) {
      const first = this.#firstOf(index)
      const words = together.get(first)
      if (words === undefined) together.set(first, [word])
      else words.push(word)
    }
    for (const words of together.values()) this.#increment(this.#countsOf(words.sort((a, b) => a - b)), group)
  }

  #countsOf(words: readonly number[]): Map<number, number> {
    const key = words.join()
    const known = this.#counts.get(key)
    if (known !== undefined) return known
    const counts = new Map<number, number>()
    this.#counts.set(key, counts)
    for (const word of words) this.#text += (this.#starts[word + 1] ?? 0) - (this.#starts[word] ?? 0) + 1
    return counts
  }

  #increment(counts: Map<number, number>, group: number): void {
    const lines = counts.get(group) ?? 0
    if (lines === 0) this.#pairs++
    counts.set(group, lines + 1)
  }

  #byText(): WordCounts {
    const textOf = (word: string): string => {
      const [from, to] = [this.#starts[Number(word)], this.#starts[Number(word) + 1]]
      return Buffer.from(this.#letters.subarray(from, to)).toString('latin1')
    }
    return new Map([...this.#counts].map(([words, counts]) => [words.split(',').map(textOf).join(' '), counts]))
  }
}

/** Where in the table a word stands, or behind it. */
export function placeOf(text: Uint8Array, from: number, to: number): number {
  let hash = to - from
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ (LOWER[text[at] ?? 0] ?? 0), 0x9e3779b1)
  return (hash ^ (hash >>> 15)) & TABLE_MASK
}
