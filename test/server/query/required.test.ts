import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lower } from '../../../server/query/filter.ts'
import { requiredTexts } from '../../../server/query/required.ts'
import type { Expression } from '../../../shared/query/ast.ts'
import { compileRegex } from '../../../shared/query/regex.ts'
import { ALL } from '../store/records.ts'

const MESSAGE = { kind: 'label', name: 'message' } as const

function textsOf(where: Expression): readonly string[] {
  return requiredTexts({ ...ALL, where }).filter((text) => text !== '')
}

function ofRegex(source: string, isInsensitive = false): readonly string[] {
  return textsOf({ op: 'regex', field: MESSAGE, source, isInsensitive })
}

describe('texts that must be in the message', () => {
  it('are those of all conditions that must hold', () => {
    const text = (word: string): Expression => ({ op: 'text', text: word, isExact: false })
    const where: Expression = {
      op: 'and',
      of: [text('Refused'), { op: 'not', of: text('health') }, { op: 'or', of: [text('a'), text('b')] }],
    }
    expect(requiredTexts({ ...ALL, grep: 'Up', where })).toEqual(['up', 'refused'])
    expect(textsOf({ op: 'glob', field: MESSAGE, pattern: '*Out of \\* mem?ry*' })).toEqual(['out of ', ' mem', 'ry'])
  })

  it.each([
    ['Connection (refused|reset) by', ['connection ', ' by']],
    ['time(d )?out', ['time', 'out']],
    ['colou?r', ['colo', 'r']],
    ['took \\d+ms\\.', ['took ', 'ms.']],
    ['ab+c{2}d', ['ab', 'd']],
    ['a|b', []],
    ['[a|b]cd', ['cd']],
    ['(?P<name>a(b)c)?de', ['de']],
    ['(?i)missing', ['mi', 'ing']],
    ['\\Qa.b\\E', []],
  ])('of %s are %j', (source, texts) => {
    expect(ofRegex(source)).toEqual(texts)
  })

  it('are in whatever an expression matches', () => {
    const piece = fc.constantFrom(
      ...[
        'a',
        'b',
        'S',
        'k',
        '(',
        ')',
        '|',
        '*',
        '+',
        '?',
        '.',
        '\\.',
        '\\d',
        '[ab]',
        '[^a]',
        '{2}',
        '(?i)',
        '(?:',
        '^',
        '$',
        '1',
      ],
    )
    const sign = fc.constantFrom('a', 'b', 's', 'S', 'ſ', 'K', 'k', '1', '.')
    const inputs = [fc.array(piece, { maxLength: 9 }), fc.array(sign, { maxLength: 7 }), fc.boolean()] as const
    let matched = 0
    const check = (pieces: string[], signs: string[], isInsensitive: boolean): void => {
      const [source, message] = [pieces.join(''), signs.join('')]
      let matches = false
      try {
        matches = compileRegex(source, isInsensitive)(message)
      } catch {
        return
      }
      if (!matches) return
      matched++
      for (const text of ofRegex(source, isInsensitive)) expect(lower(message)).toContain(text)
    }
    fc.assert(fc.property(...inputs, check), { numRuns: 3_000 })
    expect(matched).toBeGreaterThan(50)
  })
})
