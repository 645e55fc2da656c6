import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { napping } from '../../server/napping.ts'

/** Counts from where it was up to 5, and notes when it is ended. */
function counter(): { begin: () => AsyncGenerator<number>; begun: () => number; ended: () => number } {
  let [at, begun, ended] = [0, 0, 0]
  const begin = async function* (): AsyncGenerator<number> {
    begun++
    try {
      while (at < 5) yield ++at
    } finally {
      ended++
    }
  }
  return { begin, begun: () => begun, ended: () => ended }
}

it('yields all without a pause where none is made', async () => {
  const { begin, begun, ended } = counter()
  const values: number[] = []
  for await (const value of napping(begin, 1000)) values.push(value)
  expect([values, begun(), ended()]).toEqual([[1, 2, 3, 4, 5], 1, 1])
})

it('ends what it began while nobody asks, and goes on behind it', async () => {
  const { begin, begun, ended } = counter()
  const values: number[] = []
  for await (const value of napping(begin, 10)) {
    values.push(value)
    if (value === 2) await delay(30)
    if (value === 2) expect(ended()).toBe(1)
  }
  expect([values, begun(), ended()]).toEqual([[1, 2, 3, 4, 5], 2, 2])
})

it('ends what it began when it is left, and not again when it naps', async () => {
  const { begin, ended } = counter()
  for await (const _ of napping(begin, 10)) break
  expect(ended()).toBe(1)
  for await (const _ of napping(begin, 10)) {
    await delay(30)
    break
  }
  expect(ended()).toBe(2)
})
