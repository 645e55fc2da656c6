import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lower } from '../../../../../server/query/filter.ts'
import {
  capitalsOf,
  gramsOf,
  hasGram,
  ODD_CAPITAL,
  Signer,
} from '../../../../../server/store/embedded/grams/signature.ts'

const signer = new Signer()

function signed(...texts: string[]) {
  for (const text of texts) signer.add(Buffer.from(text))
  return signer.finish()
}

/** Texts as lines have them: words, numbers, ids, marks, letters beyond ASCII. */
const piece = fc.oneof(
  fc.constantFrom(
    'connection refused',
    'OutOfMemory',
    'ERROR',
    ' ',
    '=',
    '"',
    '10.0.3.17',
    'İstanbul',
    '\u212aelvin',
    'straße',
  ),
  fc.stringMatching(/^[0-9a-f]{4,20}$/),
  fc.stringMatching(/^[A-Za-z]{1,9}$/),
  fc.string({ unit: 'grapheme', maxLength: 4 }),
)
const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))

describe('the signature of a block', () => {
  it('has the grams of every part of its texts, in any case', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), fc.nat(), fc.nat(), (texts, from, length) => {
        const { signature } = signed(...texts)
        const letters = [...(texts[from % texts.length] ?? '')]
        const start = from % Math.max(letters.length, 1)
        const part = lower(letters.slice(start, start + 1 + (length % 40)).join(''))
        expect(gramsOf(part).every((gram) => hasGram(signature, gram))).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('has no grams of other texts, mostly', () => {
    const lines = Array.from(
      { length: 2_000 },
      (_, i) => `order ${(i * 7919) % 100_000} of user ${Math.sin(i)} was paid`,
    )
    const { signature } = signed(...lines)
    const words = ['quarantine', 'deadlock detected', 'segfault', '3f9a1c22deadbeef', 'no such file', 'timed out']
    expect(signature.length).toBeLessThan(16_384)
    expect(words.filter((word) => gramsOf(word).every((gram) => hasGram(signature, gram)))).toEqual([])
  })

  it('says nothing of texts without end', () => {
    const random = new Uint32Array(3_000_000).map((_, i) => Math.imul(i + 1, 0x9e3779b1))
    signer.add(Buffer.from(Buffer.from(random.buffer).toString('hex')))
    const { signature } = signer.finish()
    expect(signature.length).toBe(0)
    expect(hasGram(signature, 1)).toBe(true)
  })

  it('lists where words have capitals', () => {
    const { capitals } = signed('a Failed word', 'all lower')
    expect(capitals).toEqual([capitalsOf('fail', 0b1000)])
    expect(signed('\u212aelvin').capitals).toContain(ODD_CAPITAL)
  })

  it('knows every sign that is an ASCII letter in lower case', () => {
    for (let code = 0x80; code <= 0x10ffff; code++) {
      if (code === 0xd800) code = 0xe000
      const sign = String.fromCodePoint(code)
      if (!/[\0-\x7f]/.test(lower(sign))) continue
      const { signature, capitals } = signed(`xx${sign}xx`)
      expect(capitals).toContain(ODD_CAPITAL)
      expect(gramsOf(`xx${lower(sign)}xx`).every((gram) => hasGram(signature, gram))).toBe(true)
    }
  })
})
