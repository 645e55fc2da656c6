import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lower } from '../../../../../server/query/filter.ts'
import { placeOf, WordCounter } from '../../../../../server/store/embedded/grams/word-counter.ts'
import { eachCount, groupOf, isCounted, partsOfGroup } from '../../../../../server/store/embedded/grams/word-counts.ts'

const counter = new WordCounter()

function counted(lines: readonly (readonly [group: number, text: string])[]): Uint8Array {
  for (const [group, text] of lines) counter.add(group, Buffer.from(text))
  return counter.finish()
}

function linesWith(text: string, packed: Uint8Array): Map<number, number> {
  const found = new Map<number, number>()
  eachCount(text, packed, (group, lines) => found.set(group, (found.get(group) ?? 0) + lines))
  return found
}

/** What is to be found: every line is looked at. */
function foundIn(lines: readonly (readonly [group: number, text: string])[], text: string): Map<number, number> {
  const found = new Map<number, number>()
  for (const [group, line] of lines) if (lower(line).includes(text)) found.set(group, (found.get(group) ?? 0) + 1)
  return found
}

/** Words that are in each other, ids, marks, letters beyond ASCII. */
const piece = fc.oneof(
  fc.constantFrom('connection refused', 'connect', 'ECONNREFUSED', 'Refused', 'reconnecting', 'onnec', 'deadbeef'),
  fc.constantFrom(' ', ' ', '-', '.', '1', 'é', '\n', '\u212a', 'http', 'https://', 'error', 'Errors'),
  fc.stringMatching(/^[0-9a-f]{4,20}$/),
  fc.stringMatching(/^[A-Za-z]{1,9}$/),
)
const line = fc.tuple(
  fc.integer({ min: 0, max: 3 }),
  fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('')),
)

/** Words that all have the same place. */
function closeWords(count: number): string[] {
  const words: string[] = []
  const wanted = placeOf(Buffer.from('zzzz'), 0, 4)
  for (let n = 0; words.length < count; n++) {
    const word = Buffer.from(
      n
        .toString(26)
        .padStart(6, '0')
        .replaceAll(/\d/g, (digit) => 'qrstuvwxyz'[Number(digit)] ?? ''),
    )
    if (placeOf(word, 0, word.length) === wanted) words.push(word.toString())
  }
  return words
}

describe('the counts of words of a block', () => {
  it('are how many lines of each group have a text in them, or nothing', () => {
    const texts = [
      'connect',
      'conn',
      'onnec',
      'refused',
      'error',
      'http',
      'ttps',
      'elvin',
      'reconnecting',
      'quarantine',
    ]
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), fc.nat(), fc.nat(), (lines, at, length) => {
        const packed = counted(lines)
        const odd = lines.some(([, text]) => text.includes('\u212a'))
        expect(packed.length === 0).toBe(odd)
        if (odd) return
        const whole = lower(lines[at % Math.max(lines.length, 1)]?.[1] ?? '')
        const part = whole.slice(at % Math.max(whole.length, 1)).slice(0, 4 + (length % 9))
        for (const text of [...texts, part].filter(isCounted))
          expect(linesWith(text, packed), text).toEqual(foundIn(lines, text))
      }),
      { numRuns: 1_000 },
    )
  })

  it('are those of each block alone', () => {
    const first = counted([[7, 'connection refused']])
    const second = counted([[9, 'refused, and refused again']])
    expect(linesWith('refused', first)).toEqual(new Map([[7, 1]]))
    expect(linesWith('refused', second)).toEqual(new Map([[9, 1]]))
    expect(linesWith('connection', second)).toEqual(new Map())
  })

  it('take little room', () => {
    const lines = Array.from({ length: 10_240 }, (_, n): [number, string] => [
      n % 100,
      `GET /api/v1/orders/${n} HTTP/1.1 id=${(n * 7919).toString(16).padStart(16, 'a')} connection refused by upstream ${n % 7}`,
    ])
    const packed = counted(lines)
    expect(packed.length).toBeLessThan(4_000)
    expect([...linesWith('refused', packed).values()].reduce((sum, one) => sum + one, 0)).toBe(10_240)
  })

  it('say nothing where there are too many words', () => {
    const letters = (n: number): string =>
      n.toString(26).replaceAll(/\d/g, (digit) => 'pqrstuvwxy'[Number(digit)] ?? '')
    expect(
      counted(Array.from({ length: 10_240 }, (_, n): [number, string] => [0, `id ghij${letters(n)}`])).length,
    ).toBe(0)
    expect(counted([[0, 'z'.repeat(70_000)]]).length).toBe(0)
    const long = (n: number): string => Array.from({ length: 400 }, (_, i) => `same${letters(n * i)}`).join(' ')
    expect(counted(Array.from({ length: 500 }, (_, n): [number, string] => [0, long(n)])).length).toBe(0)
    expect(counted([[0, 'the next block is counted again']]).length).toBeGreaterThan(0)
  })

  it('say nothing where words were chosen to stand close in the table', () => {
    const words = closeWords(65)
    expect(counted(words.slice(0, 64).map((word) => [0, word])).length).toBeGreaterThan(0)
    expect(counted(words.map((word) => [0, word])).length).toBe(0)
  })

  it('throw when they are not what was written', () => {
    const packed = counted([[7, 'connection refused']])
    const changed = Uint8Array.from(packed, (byte, index) => (index === packed.length - 6 ? byte ^ 1 : byte))
    expect(() => linesWith('refused', changed)).toThrow()
  })
})

it('tells of which texts lines are counted: letters that are not all hexadecimal digits', () => {
  expect(['refused', 'http', 'facades'].filter(isCounted)).toEqual(['refused', 'http', 'facades'])
  expect(['deadbeef', 'ftp', 'out of', 'wörter', 'x509', ''].filter(isCounted)).toEqual([])
})

it('packs what lines have in common into a number', () => {
  expect(partsOfGroup(groupOf(2 ** 27, 6, 1))).toEqual({ stream: 2 ** 27, level: 6, source: 1 })
})
