import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StoreStatus } from '../../server/store/store.ts'
import { formatTime } from '../../shared/time.ts'
import { serve, type TestServer } from './serve.ts'
import { MemoryStore } from './store/memory.ts'
import { DAY, recordOf, SECOND, WEB } from './store/records.ts'

const NOW = (BigInt(Date.now()) / 86_400_000n) * DAY + 10n * 3_600n * SECOND

class LackingStore extends MemoryStore {
  absent: string | undefined = 'no line'

  override status(): StoreStatus {
    return { ...super.status(), ...(this.absent !== undefined && { absent: this.absent }) }
  }
}

describe('a server that cannot find its archive', () => {
  let store: LackingStore
  let server: TestServer
  beforeEach(async () => {
    store = new LackingStore()
    server = await serve({ store, now: () => NOW })
    await store.append([recordOf(WEB, { time: NOW - 60n * SECOND })])
  })
  afterEach(() => server.close())

  const verdict = async (params: string): Promise<string> => {
    const answer = await (await server.get(`/api/v1/search?${params}`)).json()
    return answer.completeness.verdict
  }

  it('calls answers partial that reach back to days that may be in it, until it is found', async () => {
    const since = (time: bigint) => `since=${encodeURIComponent(formatTime(time))}`
    expect(await verdict('')).toBe('partial')
    expect(await verdict(since(NOW - DAY))).toBe('partial')
    expect(await verdict(since(NOW - 3_600n * SECOND))).not.toBe('partial')
    store.absent = undefined
    expect(await verdict(since(NOW - DAY))).not.toBe('partial')
  })

  it('says so where operators look', async () => {
    const readyz = async () => (await server.get('/readyz')).json()
    expect(await readyz()).toEqual({ status: 'ok', note: expect.stringContaining('the archive is not found') })
    const status = await (await server.get('/api/v1/status')).json()
    expect(status.store.absent).toBe('no line')
    store.absent = undefined
    expect(await readyz()).toEqual({ status: 'ok' })
  })
})
