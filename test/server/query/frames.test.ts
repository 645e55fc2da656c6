import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FramePacker } from '../../../server/query/frames.ts'
import { framesOf } from '../frames.ts'

describe('FramePacker', () => {
  it('packs any texts so that they can be told apart again', () => {
    const text = fc.oneof(
      { weight: 20, arbitrary: fc.string({ unit: 'grapheme', maxLength: 50 }) },
      fc.nat({ max: 300_000 }).map((length) => 'ü'.repeat(length)),
    )
    const run = fc.record({ source: fc.constantFrom('stdout' as const, 'stderr' as const, 'error' as const), text })
    fc.assert(
      fc.property(fc.array(run, { maxLength: 60 }), (runs) => {
        const packer = new FramePacker()
        const bytes = Buffer.concat([...runs.flatMap((item) => packer.add(item)), ...packer.flush()])
        expect(framesOf(bytes)).toEqual(runs)
      }),
      { numRuns: 50 },
    )
  })

  it('writes little runs together', () => {
    const packer = new FramePacker()
    const chunks = Array.from({ length: 50_000 }, () => packer.add({ source: 'stdout', text: 'a line\n' })).flat()
    expect(Math.min(...chunks.map(({ length }) => length))).toBeGreaterThan(200 * 1024)
    expect(packer.flush()).toHaveLength(1)
    expect(packer.flush()).toEqual([])
  })
})
