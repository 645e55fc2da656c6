import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Cursor, Cursors } from '../../../server/query/cursor.ts'

const time = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const id = fc.oneof(fc.string({ maxLength: 80, unit: 'grapheme' }), fc.stringMatching(/^[0-9a-f]{64}$/))
const cursor: fc.Arbitrary<Cursor> = fc.record(
  {
    kind: fc.constantFrom('search' as const, 'tail' as const),
    receivedAfter: time,
    receivedUpTo: time,
    since: time,
    until: time,
    ahead: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 1, maxLength: 64 }),
    position: fc.record({
      time,
      nodeId: id,
      containerId: id,
      source: fc.constantFrom('stdout' as const, 'stderr' as const),
      ordinal: fc.nat({ max: 2 ** 32 }),
    }),
  },
  { requiredKeys: ['kind', 'receivedUpTo'], noNullPrototype: true },
)
const A: Cursor = {
  kind: 'tail',
  receivedUpTo: 5n,
  position: { time: 1n, nodeId: 'n', containerId: 'c', source: 'stderr', ordinal: 2 },
}

describe('Cursors', () => {
  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(cursor, (written) => {
        const cursors = new Cursors('store', 'question')
        expect(cursors.read(cursors.write(written), written.kind)).toEqual(written)
      }),
    )
  })

  it('writes text that fits in a URL, a header and an event id', () => {
    fc.assert(
      fc.property(cursor, (written) => {
        expect(new Cursors('store', 'question').write(written)).toMatch(/^[\w-]+$/)
      }),
    )
  })

  it('refuses whatever one changed byte makes of a cursor', () => {
    const cursors = new Cursors('store', 'question')
    const bytes = Buffer.from(cursors.write(A), 'base64url')
    for (const [index, byte] of bytes.entries()) {
      for (const change of [1, 0x80, 0xff]) {
        const forged = Buffer.from(bytes)
        forged[index] = byte ^ change
        expect(() => cursors.read(forged.toString('base64url'), 'tail')).toThrow(/^cannot use this cursor: /)
      }
    }
  })

  it('refuses any text that it did not write', () => {
    const cursors = new Cursors('store', 'question')
    const forged = fc.oneof(
      fc.string(),
      fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
    )
    fc.assert(
      fc.property(forged, (text) => {
        expect(() => cursors.read(text, 'tail')).toThrow(/^cannot use this cursor: /)
      }),
    )
  })

  it.each<[string, () => unknown, RegExp]>([
    ['of another store', () => new Cursors('other', 'question').read(written(), 'tail'), /another store/],
    [
      'of another request',
      () => new Cursors('store', 'other').read(written(), 'tail'),
      /request with other parameters/,
    ],
    ['of another kind', () => new Cursors('store', 'question').read(written(), 'search'), /it is none of search/],
    [
      'of another version',
      () => new Cursors('store', 'question').read(`Ag${written().slice(2)}`, 'tail'),
      /another version/,
    ],
    ['that was cut', () => new Cursors('store', 'question').read(written().slice(0, -4), 'tail'), /damaged/],
    ['with text behind it', () => new Cursors('store', 'question').read(`${written()}=`, 'tail'), /damaged/],
  ])('says why it refuses one %s', (_, read, message) => {
    expect(read).toThrow(message)
  })
})

function written(): string {
  return new Cursors('store', 'question').write(A)
}
