import { describe, expect, it } from 'vitest'
import { HeldChunks } from '../../../agent/forwarder/held.ts'
import { chunkOf } from '../chunks.ts'

const never = new AbortController().signal
/** As many as may wait. */
const MANY = 64

async function filled(): Promise<HeldChunks> {
  const held = new HeldChunks()
  for (let index = 1; index <= MANY; index++) await held.add(chunkOf(`c${index}`), never)
  return held
}

describe('chunks in memory', () => {
  it('are given in their order, behind a place and up to another', async () => {
    const held = await filled()
    expect(held.lastSeq).toBe(MANY)
    expect([held.next(0)?.id, held.next(3)?.id, held.next(3, 3), held.next(MANY)]).toEqual([
      'c1',
      'c4',
      undefined,
      undefined,
    ])
    expect(held.waitedMs(0)).toBeGreaterThanOrEqual(0)
  })

  it('have who adds more wait until there is room', async () => {
    const held = await filled()
    let isIn = false
    const added = held.add(chunkOf('more'), never).then(() => {
      isIn = true
    })
    held.remove(99)
    await new Promise(setImmediate)
    expect(isIn).toBe(false)
    held.remove(2)
    await added
    expect([held.next(MANY)?.id, held.ackedRecords]).toEqual(['more', 1])
  })

  it('take none of who waits when the signal comes', async () => {
    const held = await filled()
    const stop = new AbortController()
    const added = held.add(chunkOf('more'), stop.signal)
    stop.abort()
    await added
    expect(held.next(MANY)).toBeUndefined()
  })

  it('are drained when all are acked', async () => {
    const held = new HeldChunks()
    await held.add(chunkOf('c1', ['a', 'b']), never)
    const drained = held.drained(never)
    held.remove(1)
    await drained
    expect(held.ackedRecords).toBe(2)
  })
})
