import { describe, expect, it } from 'vitest'
import type { Store } from '../../../../server/store/store.ts'
import type { LogRecord } from '../../../../shared/record.ts'
import { formatTime } from '../../../../shared/time.ts'
import {
  API,
  collect,
  DAY,
  expectStrictOrder,
  gapOf,
  linesOf,
  NOON,
  queryOf,
  recordOf,
  SECOND,
  type StoreUnderTest,
  WEB,
} from '../records.ts'

/** What holds over the life of a store. */
export function lifeContract(under: () => StoreUnderTest): void {
  const store = (): Store => under().store

  describe('print', () => {
    it('writes what search finds', async () => {
      const plain = linesOf(WEB, 3000).map((record, index) => ({
        ...record,
        source: index % 5 < 2 ? ('stderr' as const) : ('stdout' as const),
      }))
      const several = recordOf(API, { message: 'several\nlines $& \n', time: NOON - SECOND })
      await store().append([...plain, several, recordOf(API, { message: '' })])
      for (const timestamps of [true, false]) {
        const prefix = (stream: LogRecord['stream']): string => `${stream.service} | `
        let expected = ''
        for (const { time, stream, message } of await collect(store())) {
          const head = `${timestamps ? `${formatTime(time)} ` : ''}${prefix(stream)}`
          for (const line of message.split('\n')) expected += `${head}${line}\n`
        }
        let text = ''
        for await (const runs of store().print(queryOf(), { timestamps, prefix })) {
          for (const [index, run] of runs.entries()) {
            expect(run.source).not.toBe(runs[index - 1]?.source)
            text += run.text
          }
        }
        expect(text).toBe(expected)
      }
    })

    it('keeps the sources apart', async () => {
      await store().append([
        recordOf(WEB, { message: 'o' }),
        recordOf(WEB, { source: 'stderr', message: 'e', time: NOON + 1n }),
      ])
      const runs = []
      for await (const batch of store().print(queryOf(), { timestamps: false, prefix: () => '' })) runs.push(...batch)
      expect(runs).toEqual([
        { source: 'stdout', text: 'o\n' },
        { source: 'stderr', text: 'e\n' },
      ])
    })
  })

  it('lists its streams with their counts and times, and its status', async () => {
    expect(await store().streams()).toEqual([])
    expect(store().status()).toMatchObject({ writable: true, reason: '', records: 0, damaged: [] })
    expect(store().status().begins).toBeUndefined()
    await store().append([...linesOf(WEB, 3), recordOf(WEB, { time: NOON - DAY })])
    const expected = [{ stream: WEB, records: 4, first: NOON - DAY, last: NOON + 2_000_000n }]
    expect(await store().streams()).toEqual(expected)
    const { identity, lastReceived } = store()
    await under().reopen()
    expect(await store().streams()).toEqual(expected)
    expect(store().status()).toMatchObject({ writable: true, records: 4, begins: NOON - DAY })
    expect(store().identity).toEqual(identity)
    expect(store().lastReceived).toBe(lastReceived)
  })

  it('keeps named values', async () => {
    expect(await store().load('inventory')).toBeUndefined()
    await store().save('inventory', 'one')
    await store().save('inventory', '\ufefftwo \0 👍')
    await store().save('a', '')
    await under().reopen()
    expect(await store().load('inventory')).toBe('\ufefftwo \0 👍')
    expect(await store().load('a')).toBe('')
    const { sharing } = store()
    if (sharing === undefined) return
    const letters = [...'bcde']
    await Promise.all(letters.map((letter) => sharing.change('b', (was = '') => was + letter)))
    expect([...((await store().load('b')) ?? '')].sort()).toEqual(letters)
    expect(await sharing.change('a', () => undefined)).toBe('')
  })

  it('answers searches while it is written to', async () => {
    await store().append(linesOf(WEB, 500, { time: NOON - SECOND }))
    let isWriting = true
    const writing = (async () => {
      for (let round = 1; round < 20; round++)
        await store().append(linesOf(WEB, 500, { time: NOON + BigInt(round) * SECOND }))
      isWriting = false
    })()
    while (isWriting) {
      const found = await collect(store())
      // What a search sees is what was committed when it began: whole appends.
      expect(found.length % 500).toBe(0)
      expectStrictOrder(found)
    }
    await writing
    expect(await collect(store())).toHaveLength(10_000)
  })

  it('counts by stream and day, also when it is opened anew', async () => {
    const dayOf = (time: bigint) => new Date(Number(time / 1_000_000n)).toISOString().slice(0, 10)
    const lines = [...linesOf(WEB, 3), ...linesOf(WEB, 2, { time: NOON - DAY }), ...linesOf(API, 1)]
    await store().append([...lines, recordOf(API, { time: 5n })])
    const expected = [` shop_api: 1`, `${dayOf(NOON - DAY)} shop_web: 2`]
    expected.push(`${dayOf(NOON)} shop_api: 1`, `${dayOf(NOON)} shop_web: 3`)
    const counted = async () => {
      const sums = new Map<string, number>()
      for (const { day, stream, records } of await store().days())
        sums.set(`${day} ${stream.service}`, (sums.get(`${day} ${stream.service}`) ?? 0) + records)
      return [...sums].map(([name, records]) => `${name}: ${records}`).sort()
    }
    expect(await counted()).toEqual(expected)
    await under().reopen()
    expect(await counted()).toEqual(expected)
  })

  it('refuses every call once it is closed, and can be closed twice', async () => {
    const closed = store()
    await closed.append([recordOf(WEB)])
    const pending = closed.append(linesOf(API, 10))
    const open = closed.search(queryOf())[Symbol.asyncIterator]()
    await open.next()
    await Promise.all([closed.close(), closed.close()])
    expect((await pending).stored).toHaveLength(10)
    const unavailable = expect.objectContaining({ code: 'SWARMLOGS_STORE_UNAVAILABLE' })
    await expect(closed.append([recordOf(WEB)])).rejects.toEqual(unavailable)
    await expect(collect(closed)).rejects.toEqual(unavailable)
    await expect(closed.streams()).rejects.toEqual(unavailable)
    await expect(closed.appendGaps([gapOf(WEB)])).rejects.toEqual(unavailable)
    await expect(closed.gaps()).rejects.toEqual(unavailable)
    await expect(closed.save('a', 'b')).rejects.toEqual(unavailable)
    await expect(closed.load('a')).rejects.toEqual(unavailable)
    expect(() => closed.status()).toThrow(unavailable)
    const printed = closed.print(queryOf(), { timestamps: false, prefix: () => '' })[Symbol.asyncIterator]()
    await expect(printed.next()).rejects.toEqual(unavailable)
    await under().reopen()
    expect(await collect(store())).toHaveLength(11)
  })
}
