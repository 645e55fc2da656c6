import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lower } from '../../../server/query/filter.ts'
import { regexTexts } from '../../../server/query/regex-texts.ts'
import { compileRegex } from '../../../shared/query/regex.ts'

const textsOf = (source: string, isInsensitive = false): string[] => regexTexts({ source, isInsensitive })

describe('the texts that every match of a regex has in it', () => {
  it.each([
    ['timed? out', ['time', ' out']],
    ['^GET /api/v\\d+/users$', ['GET /api/v', '/users']],
    ['a+b*c', ['a', 'c']],
    ['ab{0,3}c{2}d', ['a', 'd']],
    ['one (two|three) four', ['one ', ' four']],
    ['one|two', []],
    ['x[ab|]y', ['x', 'y']],
    ['1\\.2\\|3', ['1.2|3']],
    ['ab\\x{63}', []],
    ['\\Qa.b\\E', []],
    ['(?i)ask', ['a']],
    ['[^]\\]]]é😀?', ['é']],
  ])('%s', (source, texts) => {
    expect(textsOf(source)).toEqual(texts)
  })

  it('leaves out letters that others are the same as when the case does not matter', () => {
    expect(textsOf('Asks µ1', true)).toEqual(['A', ' ', '1'])
  })

  it('are in whatever matches', () => {
    const piece = fc.constantFrom(
      ...[
        'a',
        'B',
        's',
        'k',
        '1',
        '.',
        '*',
        '+',
        '?',
        '|',
        '(',
        ')',
        '(?i)',
        '(?:',
        '[ab]',
        '[^a|(]',
        '{2}',
        '{,2}',
        '\\.',
        '\\d',
        '^',
        'é',
      ],
    )
    const source = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(''))
    const text = fc.array(
      fc.constantFrom('a', 'A', 'b', 'B', 's', 'ſ', 'k', '\u212a', '1', '.', '{', ',', '2', '}', 'é', 'É'),
      {
        maxLength: 10,
      },
    )
    let matches = 0
    fc.assert(
      fc.property(
        source,
        fc.boolean(),
        fc.array(text, { minLength: 20, maxLength: 20 }),
        (regex, isInsensitive, texts) => {
          const test = compiled(regex, isInsensitive)
          const wanted = textsOf(regex, isInsensitive).map(lower)
          for (const one of texts.map((letters) => letters.join(''))) {
            if (!test(one)) continue
            matches++
            for (const part of wanted) expect(lower(one)).toContain(part)
          }
        },
      ),
      { numRuns: 2_000, seed: 9 },
    )
    expect(matches).toBeGreaterThan(1_000)
  })
})

/** One that matches nothing where the pieces make no regex. */
function compiled(source: string, isInsensitive: boolean): (text: string) => boolean {
  try {
    return compileRegex(source, isInsensitive)
  } catch {
    return () => false
  }
}
