import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatTime } from '../../../shared/time.ts'
import { serve, type TestServer } from '../serve.ts'
import { MemoryStore } from '../store/memory.ts'
import { linesOf, NOON, streamOf } from '../store/records.ts'

const REFUSAL = { time: NOON, reason: 'too odd', service: 'shop_web', containerId: '', excerpt: '{"message":"x"' }

describe('status', () => {
  const store = new MemoryStore()
  let server: TestServer
  beforeEach(async () => {
    server = await serve({ store, now: () => NOON })
  })
  afterEach(() => server.close())
  const get = async (path: string) => (await server.get(path)).json()

  it('tells how the store is', async () => {
    await server.context.ingestor.records(linesOf(streamOf('web'), 3))
    store.reason = 'the disk is full'
    expect(await get('/api/v1/status')).toEqual({
      version: '1.2.3',
      time: formatTime(NOON),
      store: {
        ...{ kind: 'memory', ...store.identity, writable: false, reason: 'the disk is full', records: 3, bytes: 18 },
        ...{ begins: formatTime(NOON), segments: 1, damaged: [], refused: 0 },
      },
    })
    store.reason = ''
    expect((await get('/api/v1/status')).store).not.toHaveProperty('reason')
  })

  it('tells of the lines that were refused, where a store refuses any', async () => {
    expect(await get('/api/v1/status/refused')).toEqual({ refused: [] })
    const asked: number[] = []
    Object.assign(store, { refusals: async (limit: number) => [REFUSAL, asked.push(limit)].slice(0, 1) })
    const { time, reason, service, excerpt } = REFUSAL
    const refusal = { time: formatTime(time), reason, 'service.name': service, excerpt }
    expect(await get('/api/v1/status/refused?limit=7')).toEqual({ refused: [refusal] })
    expect(asked).toEqual([7])
    expect((await server.get('/api/v1/status/refused?limit=0')).status).toBe(400)
  })
})
