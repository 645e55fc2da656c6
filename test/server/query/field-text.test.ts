import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseLine } from '../../../server/parse/line.ts'
import { fieldReader, numberIn } from '../../../server/query/field-text.ts'

describe('fieldReader', () => {
  it.each([
    ['{"a":1.50,"b":"x"}', 'a', '1.50'],
    ['{"a":"x,\\"b\\":1,","b":2}', 'b', '2'],
    ['{"x":"b","b":true}', 'b', 'true'],
    ['{"a":null}', 'a', undefined],
    ['{"a":"null"}', 'a', 'null'],
    ['{"a":""}', 'a', ''],
    ['{"a":"\\ud800"}', 'a', undefined],
    ['{"ab":1}', 'b', undefined],
    ['', 'b', undefined],
    ['{"b": 1}', 'b', ' 1'],
    ['{"a":1, "b":1}', 'b', undefined],
    ['{"a":{"b":1}}', 'b', undefined],
  ])('reads of %s the field %s', (fields, name, text) => {
    expect(fieldReader(name)(fields)).toBe(text)
  })

  it('reads what any JSON line says', () => {
    const value = fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.boolean())
    const name = fc.string({ unit: fc.constantFrom('a', '"', '\\', ',', ':', '{', 'é', '\n') })
    fc.assert(
      fc.property(fc.dictionary(name, value, { noNullPrototype: true }), (line) => {
        const { fields } = parseLine(JSON.stringify(line))
        for (const [key, expected] of Object.entries(line)) {
          const text = String(expected)
          expect(fieldReader(key)(fields)).toBe(text.isWellFormed() ? text : undefined)
        }
      }),
    )
  })

  it('finds a name that is written with escapes', () => {
    expect(fieldReader('né')(parseLine('{"n\\u00e9":1}').fields)).toBe('1')
  })
})

describe('numberIn', () => {
  it.each([
    ['1', 1],
    ['-1.5e3', -1500],
    ['01', undefined],
    ['+1', undefined],
    ['1.', undefined],
    ['', undefined],
    ['0x1', undefined],
    ['1e999', undefined],
    [' 1', undefined],
  ])('reads %s', (text, number) => {
    expect(numberIn(text)).toBe(number)
  })
})
