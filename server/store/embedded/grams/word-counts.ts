import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/*
 * How many lines of a block have which word, by group of lines (same stream, level and source): packed, as they stand beside its signature.
 * Words of a line that share four letters in a row stand as one, with a blank between (`connect econnrefused refused`), so a line has at most
 * one in which a given text is, and the lines with that text are the sum of those of all words in which it is.
 *
 * Numbers of 32 bits: how many groups, how many words, the groups, for each word how many pairs it and those before it have. Then the pairs,
 * of 16 bits each: number of the group, lines. Then the words, a newline between.
 */

/** A text that is counted so: runs of hexadecimal digits are no words, as ids are full of them. */
const COUNTED = /^(?=.*[g-z])[a-z]{4,}$/
/** More than a block can have. */
const MAX_BYTES = 2 ** 20

/** Of words, how many lines have them, by group. */
export type WordCounts = ReadonlyMap<string, ReadonlyMap<number, number>>

/** Whether the lines that have a text (in lower case) in them can be told by words. */
export function isCounted(text: string): boolean {
  return COUNTED.test(text)
}

/** The lines of a stream, a level and a source, by the numbers that they are stored as. */
export function groupOf(stream: number, level: number, source: number): number {
  return stream * 16 + level * 2 + source
}

/** What a group stands for. */
export function partsOfGroup(group: number): { stream: number; level: number; source: number } {
  return { stream: Math.floor(group / 16), level: (group % 16) >> 1, source: group % 2 }
}

/** The counts as bytes; at most 65,536 groups, and lines of a block. */
export function packCounts(counts: WordCounts): Uint8Array {
  const groups = new Map<number, number>()
  const [ends, pairs]: [number[], number[]] = [[], []]
  for (const lines of counts.values()) {
    for (const [group, count] of lines) {
      const number = groups.get(group) ?? groups.size
      groups.set(group, number)
      pairs.push(number, count)
    }
    ends.push(pairs.length)
  }
  const numbers = Uint32Array.from([groups.size, counts.size, ...groups.keys(), ...ends])
  const words = Buffer.from([...counts.keys()].join('\n'), 'latin1')
  const bytes = Buffer.concat([Buffer.from(numbers.buffer), Buffer.from(Uint16Array.from(pairs).buffer), words])
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
}

/**
 * Tells how many lines have a text (one that `isCounted`) by group; of a group several times, which are to be added up. Throws when these are not
 * bytes that `packCounts` made.
 */
export function eachCount(text: string, packed: Uint8Array, take: (group: number, lines: number) => void): void {
  const { buffer } = new Uint8Array(zstdDecompressSync(packed, { maxOutputLength: MAX_BYTES }))
  const [groupCount = 0, wordCount = 0] = new Uint32Array(buffer, 0, 2)
  const groups = new Uint32Array(buffer, 8, groupCount)
  const ends = new Uint32Array(buffer, 8 + groups.byteLength, wordCount)
  const pairs = new Uint16Array(buffer, ends.byteOffset + ends.byteLength, ends.at(-1) ?? 0)
  const words = Buffer.from(buffer, pairs.byteOffset + pairs.byteLength).toString('latin1')
  for (const [index, word] of words.split('\n').entries()) {
    if (!word.includes(text)) continue
    for (let at = ends[index - 1] ?? 0; at < (ends[index] ?? 0); at += 2)
      take(groups[pairs[at] ?? 0] ?? 0, pairs[at + 1] ?? 0)
  }
}
