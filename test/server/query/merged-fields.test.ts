import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseLine } from '../../../server/parse/line.ts'
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
    const line = fc.dictionary(name, value, { noNullPrototype: true })
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
        const members = new Map<string, string>()
        for (const [key, said] of lines.flatMap((one) => Object.entries(one)))
          if ((members.get(key) ?? 'null') === 'null') members.set(key, valueText(key, said))
        const expected = [...members].map(([key, said]) => `${JSON.stringify(key)}:${said}`).join(',')
        const merged = mergedFields(lines.map((one) => parseLine(JSON.stringify(one)).fields))
        expect(merged).toBe(expected === '' ? '' : `{${expected}}`)
      }),
    )
  })
})

/** How fields have the value of a member. Not by JSON.parse, which mixes up names with escapes: https://github.com/nodejs/node/issues/63785. */
function valueText(key: string, value: unknown): string {
  return parseLine(JSON.stringify({ [key]: value })).fields.slice(`{${JSON.stringify(key)}:`.length, -1)
}
