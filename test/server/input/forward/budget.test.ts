import { describe, expect, it } from 'vitest'
import { Budget } from '../../../../server/input/forward/budget.ts'

/** Whether a promise is settled by now. */
async function isSettled(promise: Promise<void>): Promise<boolean> {
  return Promise.race([promise.then(() => true), new Promise<boolean>((resolve) => setImmediate(resolve, false))])
}

describe('Budget', () => {
  it('grants what fits at once and the rest in order, as bytes come back', async () => {
    const budget = new Budget(100)
    const [a, b, c] = [budget.open(), budget.open(), budget.open()]
    await a.take(60)
    await a.take(60)
    expect(budget.used).toBe(120)
    const [forB, forC] = [b.take(50), c.take(30)]
    expect([await isSettled(forB), await isSettled(forC)]).toEqual([false, false])
    a.give(100)
    expect([await isSettled(forB), await isSettled(forC)]).toEqual([true, true])
    expect(budget.used).toBe(100)
  })

  it('lets one claimant alone overdraw, so that no two block each other', async () => {
    const budget = new Budget(100)
    const [a, b] = [budget.open(), budget.open()]
    await Promise.all([a.take(50), b.take(50)])
    const [forA, forB] = [a.take(30), b.take(30)]
    expect([await isSettled(forA), await isSettled(forB)]).toEqual([true, false])
    expect(await isSettled(a.take(30))).toBe(true)
    a.close()
    expect(await isSettled(forB)).toBe(true)
    expect(budget.used).toBe(80)
  })

  it('ends the claims of an account that is closed, and takes all of it back', async () => {
    const budget = new Budget(10)
    const [a, b, c] = [budget.open(), budget.open(), budget.open()]
    await a.take(20)
    const [forB, forC] = [b.take(5), c.take(5)]
    b.close()
    expect([await isSettled(forB), await isSettled(forC)]).toEqual([true, false])
    await b.take(5)
    expect(budget.used).toBe(20)
    a.close()
    expect(await isSettled(forC)).toBe(true)
    expect(budget.used).toBe(5)
    a.give(5)
    expect(budget.used).toBe(5)
  })
})
