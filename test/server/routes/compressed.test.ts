import { get, type IncomingMessage } from 'node:http'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import type { Query } from '../../../server/query/query.ts'
import type { StoredRecord } from '../../../shared/record.ts'
import { serve, type TestServer } from '../serve.ts'
import { MemoryStore } from '../store/memory.ts'
import { linesOf, streamOf } from '../store/records.ts'

/** Gives its first lines at once and the others when it is told to. */
class HaltingStore extends MemoryStore {
  readonly #halt = Promise.withResolvers<void>()
  readonly go = this.#halt.resolve
  readonly fail = this.#halt.reject

  override async *search(query: Query, signal?: AbortSignal): AsyncGenerator<readonly StoredRecord[]> {
    for await (const batch of super.search(query, signal)) {
      yield batch
      await this.#halt.promise
    }
  }
}

describe('compressed answers', () => {
  let server: TestServer
  afterEach(() => server.close())
  const ask = (path: string, headers: Record<string, string>) =>
    new Promise<IncomingMessage>((resolve) => get(`${server.url}/api/v1${path}`, { headers }, resolve))
  const bodyOf = async (response: IncomingMessage): Promise<Buffer> => Buffer.concat(await response.toArray())

  it.each([
    ['gzip', gunzipSync],
    ['zstd', zstdDecompressSync],
    ['gzip, zstd', zstdDecompressSync],
  ])('come as %s', async (accepted, inflate) => {
    server = await serve()
    await server.context.ingestor.records(linesOf(streamOf('web'), 1500))
    for (const [accept, limit] of [
      ['application/json', 2000],
      ['application/json', 50],
      ['application/x-ndjson', 2000],
      ['text/plain', 2000],
    ] as const) {
      const path = `/search?limit=${limit}`
      const plain = await bodyOf(await ask(path, { accept }))
      const response = await ask(path, { accept, 'accept-encoding': accepted })
      expect([response.headers['content-encoding'], response.headers.vary]).toEqual([
        accepted.split(', ').at(-1),
        expect.stringContaining('accept-encoding'),
      ])
      const packed = await bodyOf(response)
      expect(inflate(packed).equals(plain)).toBe(true)
      expect(packed.length).toBeLessThan(plain.length / 3)
    }
  })

  it('come plain when they are small, events, or not asked for otherwise', async () => {
    server = await serve()
    await server.context.ingestor.records(linesOf(streamOf('web'), 1500))
    const encodings = { 'accept-encoding': 'gzip, zstd' }
    for (const [path, headers] of [
      ['/version', encodings],
      ['/tail?n=1000', encodings],
      ['/search', {}],
      ['/search', { 'accept-encoding': 'br' }],
    ] as const) {
      const response = await ask(path, headers)
      expect([path, response.statusCode, response.headers['content-encoding']]).toEqual([path, 200, undefined])
      response.destroy()
    }
  })

  it.each(['gzip', 'zstd'])('do not keep back what is there: %s', async (encoding) => {
    const store = new HaltingStore()
    server = await serve({ store })
    await server.context.ingestor.records(linesOf(streamOf('web'), 1000, { message: 'x'.repeat(100) }))
    const response = await ask('/search', { accept: 'application/x-ndjson', 'accept-encoding': encoding })
    const [first] = await response.take(1).toArray()
    expect(first?.length).toBeGreaterThan(0)
    store.go()
  })

  it('are cut off when the plain ones are', async () => {
    const store = new HaltingStore()
    server = await serve({ store })
    await server.context.ingestor.records(linesOf(streamOf('web'), 2000, { message: 'x'.repeat(100) }))
    const response = await ask('/search', { accept: 'text/plain', 'accept-encoding': 'gzip' })
    response.once('data', () => store.fail(new Error('disk')))
    await expect(response.toArray()).rejects.toThrow()
  })
})
