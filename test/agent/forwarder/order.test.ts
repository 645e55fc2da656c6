import { describe, expect, it, onTestFinished } from 'vitest'
import { Order } from '../../../agent/forwarder/order.ts'
import { Spool } from '../../../agent/spool.ts'
import { chunkOf, silent, temporaryDir } from '../chunks.ts'

const { signal } = new AbortController()

describe('Order', () => {
  it('is that of the spool when nothing waits from before', async () => {
    const spool = open()
    const order = new Order(spool)
    await fill(spool, 'f', 5)
    expect(taken(order, 9)).toEqual(['f0', 'f1', 'f2', 'f3', 'f4'])
  })

  it('is oldest first while nothing fresh comes', async () => {
    const spool = open()
    await fill(spool, 'b', 9)
    expect(taken(new Order(spool), 10)).toEqual(['b0', 'b1', 'b2', 'b3', 'b4', 'b5', 'b6', 'b7', 'b8'])
  })

  it('gives one turn of four to what is fresh', async () => {
    const spool = open()
    await fill(spool, 'b', 9)
    const order = new Order(spool)
    await fill(spool, 'f', 3)
    expect(taken(order, 12).join(' ')).toBe('f0 b0 b1 b2 f1 b3 b4 b5 f2 b6 b7 b8')
  })

  it('gives three turns of four to what is fresh and has waited, and never all', async () => {
    const spool = open()
    await fill(spool, 'b', 4)
    const order = new Order({
      next: (after, upTo) => spool.next(after, upTo),
      waitedMs: (after) => (spool.waitedMs(after) === undefined ? undefined : 5_000),
      lastSeq: spool.lastSeq,
    })
    await fill(spool, 'f', 6)
    expect(taken(order, 10).join(' ')).toBe('f0 f1 b0 f2 f3 f4 b1 f5 b2 b3')
  })

  it('leaves out what is acked meanwhile, and takes what comes when all was sent', async () => {
    const spool = open()
    await fill(spool, 'b', 4)
    const order = new Order(spool)
    expect(taken(order, 2)).toEqual(['b0', 'b1'])
    for (const seq of [1, 2, 3]) spool.remove(seq)
    expect(taken(order, 2)).toEqual(['b3'])
    await fill(spool, 'f', 2)
    expect(taken(order, 3)).toEqual(['f0', 'f1'])
  })
})

function open(): Spool {
  const spool = new Spool({ dir: temporaryDir(), maxBytes: 1 << 30, log: silent })
  onTestFinished(() => spool.close())
  return spool
}

async function fill(spool: Spool, name: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await spool.append(chunkOf(`${name}${n}`), signal)
}

function taken(order: Order, atMost: number): string[] {
  const ids: string[] = []
  for (let n = 0; n < atMost; n++) ids.push(...[order.next()?.id ?? []].flat())
  return ids
}
