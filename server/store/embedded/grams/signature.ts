/*
 * A signature is a bitmap of the grams that a block of lines has in its texts: of letters alone all runs of three and four, of what
 * has digits in it every second run of six (ids would fill it otherwise). Where a bit is not set no line of the block has the gram, so
 * none has a text with that gram in it, wherever in a word it stands. Grams are of lower case. Beside the signature it is listed which
 * runs of four letters have capitals where, so that a search knows in which forms a word may stand.
 */

/** Lines of a block: a third of DuckDB's row groups; of a segment that nothing comes for any more the last one is shorter. */
export const BLOCK_ROWS = 10_240
/** Bits of the largest signature. */
const MAX_BITS = 2 ** 21
/** One that is no fuller than this is folded once more, unless asked otherwise. */
const FOLD_SHARE = 0.14
/** One that is fuller than this says nothing. */
const MAX_SHARE = 0.6
const LETTERS = 26
const DIGIT_GRAM = 6
const [TRIPLE, QUAD, MIXED] = [0x2545f491, 0x1b873593, 0x4cf5ad43]
/** Bits of a run of four and of three letters, five each, and of six signs. */
const [QUAD_MASK, TRIPLE_MASK, MIXED_MASK] = [0xfffff, 0x7fff, 0x3fffffff]

/** By byte: 1 to 26 for letters, 27 to 37 for digits and the dot, 0 for what ends a run. */
const SIGNS = new Uint8Array(256)
/** By byte: five bits; letters that are no hexadecimal digits share some. */
const CODES = new Uint8Array(256)
for (let letter = 0; letter < LETTERS; letter++) {
  for (const byte of [65 + letter, 97 + letter]) {
    SIGNS[byte] = letter + 1
    CODES[byte] = letter < 6 ? letter : 17 + ((letter - 6) % 15)
  }
}
for (const [index, byte] of Buffer.from('0123456789.').entries()) {
  SIGNS[byte] = LETTERS + 1 + index
  CODES[byte] = 6 + index
}

/** Listed when a text of the block has a sign beyond ASCII that is an ASCII letter in lower case. */
export const ODD_CAPITAL = 0

/** What is known of a block. */
export interface Signed {
  /** Empty when it would say nothing. */
  readonly signature: Uint8Array
  /** By `capitalsOf`, the runs of four letters that have capitals. */
  readonly capitals: readonly number[]
}

/** Gathers the grams of one block after the other. */
export class Signer {
  readonly #bits = new Uint32Array(MAX_BITS / 32)
  readonly #triples = new Uint8Array(TRIPLE_MASK + 1)
  /** By run of four, the patterns of capitals that it has: a bit for each of the sixteen. */
  readonly #quads = new Uint16Array(QUAD_MASK + 1)
  #hasOdd = false
  readonly #foldShare: number

  /** @param foldShare signatures are folded as long as no greater share of their bits is set: to be small, or to be wrong rarely. */
  constructor(foldShare = FOLD_SHARE) {
    this.#foldShare = foldShare
  }

  /** Adds a text in UTF-8. */
  add(text: Uint8Array): void {
    const [quads, triples, bits] = [this.#quads, this.#triples, this.#bits]
    let [run, letters, word, capitals, signs] = [0, 0, 0, 0, 0]
    for (let at = 0; at < text.length; at++) {
      let byte = text[at] ?? 0
      if (byte >= 0x80) {
        const letter = oddCapital(text, at)
        if (letter !== 0) {
          this.#hasOdd = true
          byte = letter
          // Its other bytes end no run.
          at += letter === 0x4b ? 2 : 1
        }
      }
      const sign = SIGNS[byte] ?? 0
      if (sign === 0) {
        run = letters = 0
        continue
      }
      run++
      signs = ((signs << 5) | (CODES[byte] ?? 0)) & MIXED_MASK
      if (sign <= LETTERS) {
        letters++
        word = ((word << 5) | (sign - 1)) & QUAD_MASK
        capitals = ((capitals << 1) | (byte < 97 ? 1 : 0)) & 15
        if (letters >= 4) quads[word] = (quads[word] ?? 0) | (1 << capitals)
        if (letters >= 3) triples[word & TRIPLE_MASK] = 1
      } else letters = 0
      if (run >= DIGIT_GRAM && letters < DIGIT_GRAM) {
        const mixed = hash(signs, MIXED)
        if (isTaken(mixed)) setBit(bits, mixed)
      }
    }
  }

  /** What was added since it was last asked. */
  finish(): Signed {
    const bits = this.#bits
    const [quads, triples] = [this.#quads, this.#triples]
    const capitals = this.#hasOdd ? [ODD_CAPITAL] : []
    for (let word = 0; word < quads.length; word++) {
      const patterns = quads[word] ?? 0
      if (patterns === 0) continue
      setBit(bits, hash(word, QUAD))
      for (let places = 1; places < 16; places++) if ((patterns >>> places) & 1) capitals.push((word << 4) | places)
    }
    for (let word = 0; word < triples.length; word++) if (triples[word] === 1) setBit(bits, hash(word, TRIPLE))
    const signature = folded(bits, this.#foldShare)
    for (const filled of [bits, quads, triples]) filled.fill(0)
    this.#hasOdd = false
    return { signature, capitals }
  }
}

function folded(bits: Uint32Array, foldShare: number): Uint8Array {
  let words = bits
  if (share(words) > MAX_SHARE) return new Uint8Array()
  while (words.length > 2 && share(words) <= foldShare) {
    const half = words.length / 2
    const lower = words.slice(0, half)
    for (let index = 0; index < half; index++) lower[index] = (lower[index] ?? 0) | (words[half + index] ?? 0)
    words = lower
  }
  return new Uint8Array(words.slice().buffer)
}

function share(words: Uint32Array): number {
  let ones = 0
  for (let index = 0; index < words.length; index++) {
    let word = words[index] ?? 0
    word -= (word >>> 1) & 0x55555555
    word = (word & 0x33333333) + ((word >>> 2) & 0x33333333)
    ones += Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
  }
  return ones / (words.length * 32)
}

/** Whether a signature has the gram; an empty one may have all. */
export function hasGram(signature: Uint8Array, gram: number): boolean {
  return hasBit(signature.length, gram, (at) => signature[at] ?? 0)
}

/** The same of one with so many bytes, of which only one is looked at. */
export function hasBit(bytes: number, gram: number, byteAt: (at: number) => number): boolean {
  const bit = gram & (bytes * 8 - 1)
  return bytes === 0 || ((byteAt(bit >>> 3) >>> (bit & 7)) & 1) === 1
}

/** The grams that every text has which has this one in it, in whatever case; none when it is too short to tell. */
export function gramsOf(lowered: string): number[] {
  const grams = new Set<number>()
  for (const [run] of lowered.matchAll(/[a-z0-9.]+/g)) {
    const bytes = Buffer.from(run)
    for (let at = 0; at + DIGIT_GRAM <= bytes.length; at++) {
      const part = bytes.subarray(at, at + DIGIT_GRAM)
      const gram = hash(
        part.reduce((signs, byte) => (signs << 5) | (CODES[byte] ?? 0), 0),
        MIXED,
      )
      if (isTaken(gram) && /[0-9.]/.test(part.toString())) grams.add(gram)
    }
  }
  for (const [letters] of lowered.matchAll(/[a-z]{3,}/g)) {
    if (letters.length === 3) grams.add(hash(wordOf(letters), TRIPLE))
    for (const quad of quadsOf(letters)) grams.add(hash(wordOf(quad), QUAD))
  }
  return [...grams]
}

/** The runs of four letters of a run of letters. */
export function quadsOf(letters: string): string[] {
  return Array.from({ length: Math.max(letters.length - 3, 0) }, (_, at) => letters.slice(at, at + 4))
}

/** Four letters with capitals in some places: the highest of four bits is that of the first letter. */
export function capitalsOf(quad: string, places: number): number {
  return (wordOf(quad) << 4) | places
}

function wordOf(letters: string): number {
  return Buffer.from(letters).reduce((word, byte) => (word << 5) | ((SIGNS[byte] ?? 1) - 1), 0)
}

/** The ASCII letter (a capital) that the sign beyond ASCII is in lower case: U+0130 is an i, U+212A a k; else 0. */
export function oddCapital(text: Uint8Array, at: number): number {
  if (text[at] === 0xc4 && text[at + 1] === 0xb0) return 0x49
  return text[at] === 0xe2 && text[at + 1] === 0x84 && text[at + 2] === 0xaa ? 0x4b : 0
}

/** Of grams with digits every second one is taken. */
function isTaken(gram: number): boolean {
  return gram < 0
}

function setBit(bits: Uint32Array, gram: number): void {
  const bit = gram & (MAX_BITS - 1)
  bits[bit >>> 5] = (bits[bit >>> 5] ?? 0) | (1 << (bit & 31))
}

function hash(value: number, kind: number): number {
  let mixed = Math.imul(value ^ kind, 0x9e3779b1)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca77)
  return mixed ^ (mixed >>> 13)
}
