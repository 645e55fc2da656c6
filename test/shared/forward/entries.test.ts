import fc from 'fast-check'
import { Unpackr } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { EntryPacker, type PackableLine } from '../../../shared/forward/entries.ts'

const lines = fc.record({
  source: fc.constantFrom('stdout' as const, 'stderr' as const),
  seconds: fc.nat(0xffffffff),
  nanos: fc.nat(999_999_999),
  ordinal: fc.oneof(fc.nat(300), fc.constantFrom(0xffff, 0x10000, 0xffffffff)),
  message: fc
    .oneof(
      fc.string({ unit: 'grapheme', maxLength: 80 }),
      fc.constantFrom(31, 32, 255, 256, 65_535, 65_536).map((length) => 'x'.repeat(length)),
    )
    .map((text) => Buffer.from(text)),
  cutFrom: fc.constantFrom(0, 127, 128, 1 << 20, 0xffffffff, 2 ** 32, 2 ** 40 + 5),
  headMissing: fc.boolean(),
})

describe('EntryPacker', () => {
  it('packs what msgpackr reads back as the same lines', () => {
    const packer = new EntryPacker(64)
    fc.assert(
      fc.property(fc.array(fc.tuple(lines, fc.nat(70_000)), { maxLength: 12 }), (wanted) => {
        packer.reset()
        for (const [line, stream] of wanted) packer.add(line, stream)
        expect(packer.count).toBe(wanted.length)
        expect(unpackEntries(packer.bytes())).toEqual(wanted.map(([line, stream]) => entryOf(line, stream)))
      }),
      { numRuns: 200 },
    )
  })

  it('keeps bytes that are no UTF-8', () => {
    const packer = new EntryPacker(64)
    const message = Buffer.from([0xff, 0x00, 0xc3])
    packer.add({ ...plain, message }, 0)
    expect(packer.bytes().includes(message)).toBe(true)
  })

  it('leaves out what has its zero value', () => {
    const packer = new EntryPacker(64)
    packer.add({ ...plain, message: Buffer.from('hi') }, 0)
    expect(packer.bytes().toString('hex')).toBe('92d700000000010000000282a16da26869a17300')
  })

  it('starts again after reset', () => {
    const packer = new EntryPacker(16)
    packer.add({ ...plain, message: Buffer.alloc(1000) }, 0)
    packer.reset()
    expect([packer.count, packer.length]).toEqual([0, 0])
  })
})

const plain: PackableLine = {
  source: 'stdout',
  seconds: 1,
  nanos: 2,
  ordinal: 0,
  message: Buffer.alloc(0),
  cutFrom: 0,
  headMissing: false,
}

const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' })

interface Entry {
  readonly time: string
  readonly record: unknown
}

/** Entries as [hex of the EventTime, record]. */
function unpackEntries(bytes: Buffer): Entry[] {
  const entries: Entry[] = []
  if (bytes.length === 0) return entries
  unpackr.unpackMultiple(bytes, (value: [unknown, unknown], start = 0) => {
    entries.push({ time: bytes.subarray(start + 1, start + 11).toString('hex'), record: value[1] })
  })
  return entries
}

function entryOf(line: PackableLine, stream: number): Entry {
  const time = Buffer.from('d7000000000000000000', 'hex')
  time.writeUInt32BE(line.seconds, 2)
  time.writeUInt32BE(line.nanos, 6)
  const record = {
    m: line.message.toString(),
    s: stream,
    ...(line.source === 'stderr' && { e: 1 }),
    ...(line.ordinal > 0 && { o: line.ordinal }),
    ...(line.cutFrom > 0 && { t: line.cutFrom }),
    ...(line.headMissing && { h: 1 }),
  }
  return { time: time.toString('hex'), record }
}
