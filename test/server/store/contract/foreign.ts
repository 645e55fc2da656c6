import { describe, expect, it } from 'vitest'
import type { Store } from '../../../../server/store/store.ts'
import type { LogRecord } from '../../../../shared/record.ts'
import {
  collect,
  DAY,
  expectStrictOrder,
  messages,
  NOON,
  recordOf,
  SECOND,
  type StoreUnderTest,
  streamOf,
  WEB,
} from '../records.ts'

/** What append must do with the records of foreign senders. */
export function foreignContract(under: () => StoreUnderTest): void {
  const store = (): Store => under().store

  describe('records of foreign senders', () => {
    const sender = streamOf('app', { nodeId: '', containerId: '', taskId: '', tag: 'app.access' })
    const chunk = (id: string, texts: readonly string[], time = NOON): LogRecord[] =>
      texts.map((message, ordinal) => recordOf(sender, { chunk: id, ordinal, message, time }))

    it('are stored once per chunk, also after a restart', async () => {
      const records = [
        ...chunk('one', ['a', 'b', 'a']),
        ...chunk('one', ['y']).map((r) => ({ ...r, ordinal: 3, time: NOON - DAY })),
      ]
      expect((await store().append(records)).stored).toHaveLength(4)
      expect((await store().append(records)).duplicates).toBe(4)
      await under().reopen()
      expect((await store().append(records)).duplicates).toBe(4)
      expect(await messages(store())).toEqual(['y', 'a', 'b', 'a'])
    })

    it('are stored although another chunk has the same lines', async () => {
      await store().append(chunk('one', ['a', 'b']))
      await store().append(chunk('two', ['a', 'b']))
      expect(await messages(store())).toEqual(['a', 'b', 'a', 'b'])
    })

    it('are stored in parts when a chunk comes in parts', async () => {
      const records = chunk('one', ['a', 'b', 'c', 'd'])
      await store().append(records.slice(0, 2))
      expect(await store().append(records)).toMatchObject({ duplicates: 2 })
      expect(await messages(store())).toEqual(['a', 'b', 'c', 'd'])
    })

    it('without a chunk id are stored as often as they come', async () => {
      await store().append(chunk('', ['a', 'b']))
      await store().append(chunk('', ['a', 'b']))
      expect(await collect(store())).toHaveLength(4)
    })

    it('of one moment keep the order of their arrival, each with a place of its own', async () => {
      await store().append(chunk('one', ['a', 'b']))
      await store().append(chunk('two', ['later'], NOON + SECOND))
      await store().append(chunk('three', ['c', 'd']))
      await under().reopen()
      const other = streamOf('app', { nodeId: '', containerId: '', taskId: '', tag: 'other' })
      await store().append([
        recordOf(other, { chunk: 'four', message: 'e' }),
        recordOf(other, { chunk: '', message: 'f' }),
      ])
      const records = await collect(store())
      expect(records.map((record) => record.message)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'later'])
      expectStrictOrder(records)
    })

    it('do not stand in the way of an agent that reads the same container', async () => {
      const tagged = { ...WEB, tag: 'docker.web' }
      await store().append([recordOf(tagged, { chunk: 'one', message: 'foreign' })])
      expect((await store().append([recordOf(WEB, { message: 'own' })])).stored).toHaveLength(1)
      expectStrictOrder(await collect(store()))
    })
  })
}
