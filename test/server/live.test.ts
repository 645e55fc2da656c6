import { describe, expect, it } from 'vitest'
import { Live, type Selection } from '../../server/live.ts'
import type { Appended } from '../../server/store/store.ts'
import type { LogRecord } from '../../shared/record.ts'
import { ALL, linesOf, NOON, recordOf, streamOf } from './store/records.ts'

const WEB = streamOf('web')
const API = streamOf('api', { nodeId: 'node0' })
const { signal } = new AbortController()

describe('Live', () => {
  it('hands each commit to those who want something of it', async () => {
    const live = new Live()
    const all = live.subscribe({ filter: ALL })
    const some = live.subscribe({ filter: { ...ALL, services: ['shop_web'], grep: 'LINE 1', sources: ['stdout'] } })
    const none = live.subscribe({ filter: { ...ALL, services: ['nope'] } })
    live.publish(appended(1n, [...linesOf(WEB, 2), recordOf(API)]))
    expect(await all.next(1000, signal)).toMatchObject({ received: 1n, records: [{}, {}, {}] })
    expect(await some.next(1000, signal)).toMatchObject({ records: [{ message: 'line 1' }] })
    expect(await none.next(0, signal)).toBe('timeout')
  })

  it('keeps to the time range', async () => {
    const live = new Live()
    const subscription = live.subscribe({ filter: ALL, since: NOON + 1_000_000n, until: NOON + 3_000_000n })
    live.publish(appended(1n, linesOf(WEB, 5)))
    expect(await subscription.next(1000, signal)).toMatchObject({
      records: [{ message: 'line 1' }, { message: 'line 2' }],
    })
  })

  it('makes one batch, in total order, of the appends that the store put in one commit', async () => {
    const live = new Live()
    const subscription = live.subscribe({ filter: ALL })
    live.publish(appended(7n, [recordOf(WEB, { message: 'b' })]))
    live.publish(appended(7n, [recordOf(API, { message: 'a' })]))
    live.publish(appended(8n, [recordOf(WEB, { message: 'c' })]))
    expect(await subscription.next(1000, signal)).toMatchObject({
      received: 7n,
      records: [{ message: 'a' }, { message: 'b' }],
    })
    expect(await subscription.next(1000, signal)).toMatchObject({ received: 8n, records: [{ message: 'c' }] })
  })

  it.each<[string, Partial<Selection>, number]>([
    ['records', { maxRecords: 10 }, 10],
    ['bytes', { maxBytes: 10 * 206 }, 10],
  ])(
    'empties a queue that has too many %s, takes nothing more, and goes on after a reset',
    async (_, bound, fitting) => {
      const live = new Live()
      const subscription = live.subscribe({ filter: ALL, ...bound })
      for (let index = 0; index < fitting; index++) await publish(live, BigInt(index), linesOf(WEB, 1))
      expect(subscription.isOverflown).toBe(false)
      await publish(live, 100n, linesOf(WEB, 1))
      expect(subscription.isOverflown).toBe(true)
      await publish(live, 101n, linesOf(WEB, 1))
      expect(await subscription.next(1000, signal)).toBe('overflow')
      subscription.reset()
      await publish(live, 102n, linesOf(WEB, 1))
      expect(await subscription.next(1000, signal)).toMatchObject({ received: 102n })
      expect(subscription.isIdle).toBe(true)
    },
  )

  it('takes a commit that is larger than the bound when nothing else waits', async () => {
    const live = new Live()
    const subscription = live.subscribe({ filter: ALL, maxRecords: 10 })
    await publish(live, 1n, linesOf(WEB, 50))
    expect(await subscription.next(1000, signal)).toMatchObject({ received: 1n })
    await publish(live, 2n, linesOf(WEB, 50))
    await publish(live, 3n, linesOf(WEB, 1))
    expect(await subscription.next(1000, signal)).toBe('overflow')
  })

  it('ends waits when it is closed, when the signal aborts and when time is up', async () => {
    const live = new Live()
    const subscription = live.subscribe({ filter: ALL })
    expect(await subscription.next(0, signal)).toBe('timeout')
    const controller = new AbortController()
    const aborted = subscription.next(60_000, controller.signal)
    controller.abort()
    expect(await aborted).toBe('timeout')
    const closed = subscription.next(60_000, signal)
    live.publish(appended(1n, [recordOf(WEB)]))
    live.close()
    expect(await closed).toMatchObject({ received: 1n })
    expect(await subscription.next(60_000, signal)).toBe('closed')
    expect(await live.subscribe({ filter: ALL }).next(60_000, signal)).toBe('closed')
  })

  it('forgets who has left', async () => {
    const live = new Live()
    const subscription = live.subscribe({ filter: ALL })
    expect(live.size).toBe(1)
    subscription.close()
    expect(live.size).toBe(0)
  })
})

async function publish(live: Live, received: bigint, records: readonly LogRecord[]): Promise<void> {
  live.publish(appended(received, records))
  await new Promise(setImmediate)
}

function appended(received: bigint, records: readonly LogRecord[]): Appended {
  return { stored: records.map((record) => ({ ...record, received })), duplicates: 0, received }
}
