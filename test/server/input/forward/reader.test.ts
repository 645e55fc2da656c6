import fc from 'fast-check'
import { Packr } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { Extension, MsgpackReader, type Value } from '../../../../server/input/forward/reader.ts'

const packr = new Packr({ useRecords: false, variableMapSize: true })
const AMPLE = { keys: 1000, values: 1000, depth: 16 }

function read(bytes: Buffer, allowance = AMPLE): Value {
  return new MsgpackReader(bytes).value({ ...allowance })
}

/** Values as `MsgpackReader` gives them. */
function asRead(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asRead)
  if (value === undefined) return null
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return value
  return new Map(Object.entries(value).map(([key, inner]) => [key, asRead(inner)]))
}

const leaf = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: 2n ** 60n, max: 2n ** 63n - 1n }),
  fc.double({ noNaN: true }).filter((number) => !Number.isInteger(number)),
  fc.boolean(),
  fc.constant(null),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
)
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('tree'), { maxLength: 20 }),
    fc.dictionary(
      fc.string({ maxLength: 20 }).filter((key) => key !== '__proto__'),
      tie('tree'),
      { maxKeys: 20 },
    ),
  ),
}))

describe('MsgpackReader', () => {
  it('reads what msgpackr writes', () => {
    const property = fc.property(tree, (value) => {
      const bytes = packr.pack(value)
      expect(read(bytes)).toEqual(asRead(value))
      const reader = new MsgpackReader(bytes)
      reader.skip()
      expect(reader.isAtEnd).toBe(true)
    })
    fc.assert(property, { numRuns: 500 })
  })

  it('refuses every value that is cut off', () => {
    const property = fc.property(tree, fc.nat(), (value, cut) => {
      const bytes = packr.pack(value)
      const part = bytes.subarray(0, cut % bytes.length)
      expect(() => read(part)).toThrow(expect.objectContaining({ reason: 'entry' }))
      expect(() => new MsgpackReader(part).skip()).toThrow(expect.objectContaining({ reason: 'entry' }))
    })
    fc.assert(property, { numRuns: 500 })
  })

  it('keeps both values of a key that comes twice, and gives no key a meaning', () => {
    const pairs = [
      ['a', 1],
      ['a', 2],
      ['__proto__', 3],
      ['constructor', 4],
    ] as const
    const bytes = Buffer.concat([Buffer.from([0x80 | pairs.length]), ...pairs.flat().map((part) => packr.pack(part))])
    expect([...(read(bytes) as Map<string, Value>)]).toEqual([
      ['a', 1],
      ['a#2', 2],
      ['__proto__', 3],
      ['constructor', 4],
    ])
  })

  it('keeps extensions', () => {
    expect(read(Buffer.from([0xd4, 0x05, 0x07]))).toEqual(new Extension(5, Buffer.from([7])))
    expect(read(Buffer.from([0xc7, 0x00, 0xff]))).toEqual(new Extension(-1, Buffer.alloc(0)))
  })

  it.each([
    ['too many keys', packr.pack(Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [i, i]))), 'entry-limit'],
    [
      'too many keys in nested maps',
      packr.pack(Array(11).fill(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [i, i])))),
      'entry-limit',
    ],
    ['too many elements', packr.pack(Array(1001).fill(0)), 'entry-limit'],
    ['too much nesting', Buffer.from([...Array<number>(17).fill(0x91), 0x01]), 'entry-limit'],
    ['a long key', packr.pack({ ['k'.repeat(513)]: 1 }), 'entry-limit'],
    ['a key that is no string', Buffer.from([0x81, 0x01, 0x01]), 'entry-limit'],
    [
      'a key repeated without end',
      Buffer.from([0x8f, ...Array<number[]>(15).fill([0xa1, 0x61, 0x00]).flat()]),
      'entry-limit',
    ],
    ['2^31 pairs', Buffer.from([0xdf, 0x7f, 0xff, 0xff, 0xff]), 'entry'],
    ['2^31 elements', Buffer.from([0xdd, 0x7f, 0xff, 0xff, 0xff]), 'entry'],
    ['a string of 2^31 bytes', Buffer.from([0xdb, 0x7f, 0xff, 0xff, 0xff]), 'entry'],
    ['the byte that is never used', Buffer.from([0xc1]), 'entry'],
    ['nothing', Buffer.alloc(0), 'entry'],
  ])('refuses %s', (_, bytes, reason) => {
    expect(() => read(bytes)).toThrow(expect.objectContaining({ reason }))
  })

  it('steps over any nesting without recursion', () => {
    const reader = new MsgpackReader(Buffer.concat([Buffer.alloc(1_000_000, 0x91), Buffer.from([0x01])]))
    reader.skip()
    expect(reader.isAtEnd).toBe(true)
  })
})
