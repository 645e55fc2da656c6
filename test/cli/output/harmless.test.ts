import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Colours, harmless } from '../../../cli/output/harmless.ts'

const SGR = /\x1b\[[0-9;:]*m/g
const ACTING = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]/

/** Text that is rich in what terminals act on, whole sequences and broken ones. */
const nasty = fc
  .array(
    fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '\x1b[31m',
        '\x1b[0;1;38:5:9m',
        '\x1b[2J',
        '\x1b]0;title\x07',
        '\x1b]8;;http://x\x1b\\',
        '\x1bP1$r',
        '\x1b[',
      ),
      fc.constantFrom(
        '\x1b',
        '\x9b2J',
        '\x9d0;t\x9c',
        '\r',
        '\b\b',
        '\x7f',
        '\u202e',
        '\u2066',
        '\x1b[>4;1m',
        '\x1b[?25l',
        '\x1bc',
      ),
    ),
  )
  .map((parts) => parts.join(''))

describe('harmless', () => {
  it.each([
    ['plain text, ä 日本 👩‍🚀\tTAB', 'plain text, ä 日本 👩‍🚀\tTAB'],
    ['\x1b[2J\x1b[H', '^[[2J^[[H'],
    ['bell\x07 back\b', 'bell^G back^H'],
    ['a\rb', 'a^Mb'],
    ['a\nb', 'a^Jb'],
    ['\0', '^@'],
    ['\x7f\x85\x9b', '\\u007f\\u0085\\u009b'],
    ['abc\u202edcba\u2069', 'abc\\u202edcba\\u2069'],
    ['\x1b]0;owned\x07', '^[]0;owned^G'],
    ['cut off \x1b[31', 'cut off ^[[31'],
    ['\x1b[>4;1m', '^[[>4;1m'],
  ])('shows %j', (text, expected) => {
    for (const colours of ['keep', 'drop', 'show'] satisfies Colours[]) expect(harmless(text, colours)).toBe(expected)
  })

  it('keeps, drops or shows colours', () => {
    const text = 'a \x1b[1;31mred\x1b[m b'
    expect(harmless(text, 'keep')).toBe('a \x1b[1;31mred\x1b[m b\x1b[0m')
    expect(harmless(text, 'drop')).toBe('a red b')
    expect(harmless(text)).toBe('a ^[[1;31mred^[[m b')
  })

  it('leaves nothing that acts on a terminal, whatever the text', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        expect(harmless(text)).not.toMatch(ACTING)
        // What is left after colours are taken out could be a new sequence: it must be none either.
        expect(harmless(text, 'drop')).not.toMatch(ACTING)
        const kept = harmless(text, 'keep')
        expect(kept.replace(SGR, '')).not.toMatch(ACTING)
        if (SGR.test(kept)) expect(kept.endsWith('\x1b[0m')).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('leaves text alone that cannot act', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!ACTING.test(text))
        expect(harmless(text, 'keep')).toBe(text)
      }),
    )
  })
})
