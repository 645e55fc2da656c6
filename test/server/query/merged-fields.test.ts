import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseLine } from '../../../server/parse/line.ts'
import { fieldReader } from '../../../server/query/field-text.ts'
import { mergedFields } from '../../../server/query/merged-fields.ts'

describe('mergedFields', () => {
  it.each([
    [[], ''],
    [['', ''], ''],
    [['', '{"a":1.50}', ''], '{"a":1.50}'],
    [['{"a":1.50}', '{"a":2,"b":1e3}'], '{"a":1.50,"b":1e3}'],
    [['{"a":null,"b":null}', '{"a":7}', '{"a":8}'], '{"a":7,"b":null}'],
    [['{"a":"x,\\"b\\":1}"}', '{"b":true}'], '{"a":"x,\\"b\\":1}","b":true}'],
    [['{"a":"\\\\"}', '{"":"","__proto__":1}'], '{"a":"\\\\","":"","__proto__":1}'],
    [['{"a":"x"}', `{"b":"${'\\u0001'.repeat(20_000)}"}`], `{"a":"x","b":"${'\\u0001'.repeat(20_000)}"}`],
  ])('makes of %j one object', (texts, merged) => {
    expect(mergedFields(texts)).toBe(merged)
  })

  it('has each field as the first line writes it that has it', () => {
    const name = fc.string({ unit: fc.constantFrom('a', '"', '\\', ',', ':', '{', '}', 'é', '\n'), maxLength: 3 })
    const text = fc.string({ unit: 'binary', maxLength: 8 }).map((drawn) => drawn.toWellFormed())
    const value = fc.oneof(text, fc.double({ noNaN: true }), fc.boolean(), fc.constant(null), fc.constant([1, '}']))
    const line = fc.dictionary(name, value, { noNullPrototype: true }).map((one) => JSON.stringify(one))
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), (drawn) => {
        const texts = drawn.map((one) => parseLine(one).fields)
        const merged = mergedFields(texts)
        const names = new Set(texts.flatMap((one) => (one === '' ? [] : Object.keys(JSON.parse(one)))))
        expect(Object.keys(merged === '' ? {} : JSON.parse(merged)).sort()).toEqual([...names].sort())
        for (const one of names) {
          const read = fieldReader(one)
          expect(read(merged)).toBe(texts.map(read).find((said) => said !== undefined))
        }
      }),
    )
  })
})
