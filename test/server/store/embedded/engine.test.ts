import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Engine, type Reader } from '../../../../server/store/embedded/engine.ts'

it('lets who waits for a reader go when the signal aborts', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'swarmlogs-engine-'))
  const engine = await Engine.open({ memoryBytes: 64 * 2 ** 20, tempDir: join(folder, 'tmp'), tempBytes: 2 ** 20 })
  try {
    const readers: Reader[] = []
    for (let count = 0; count < 32; count++) readers.push(await engine.lease())
    const client = new AbortController()
    const gone = engine.lease(client.signal)
    const next = engine.lease()
    client.abort(new Error('gone'))
    await expect(gone).rejects.toThrow('gone')
    for (const reader of readers) reader.release()
    ;(await next).release()
  } finally {
    await engine.close()
    await rm(folder, { recursive: true })
  }
})
