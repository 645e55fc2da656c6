import { describe, expect, it, onTestFinished } from 'vitest'
import { examine } from '../../agent/examine.ts'
import { FakeEngine } from './fake-engine.ts'

const examined = async (engine: FakeEngine) => examine({ host: engine.host }, new AbortController().signal)

async function start(): Promise<FakeEngine> {
  const engine = await FakeEngine.start()
  onTestFinished(() => engine.close())
  return engine
}

describe('examine', () => {
  it('tells how running containers log, and what the engine keeps of their lines', async () => {
    const engine = await start()
    const options = { 'max-size': '10m', 'max-file': '3' }
    engine.container({ name: 'web.1.lfap0icnqswi0z7gzrj9rxw3p', driver: 'json-file', driverOptions: options })
    engine.container({ name: 'none', driver: 'none' })
    engine.container({ name: 'fast', driver: 'local', driverOptions: { mode: 'non-blocking' } })
    engine.container({ name: 'plain', driver: 'json-file' })
    engine.container({ name: 'gone', running: false })
    engine.container({ name: 'broken', broken: 'fails' })
    const { running, containers, api } = await examined(engine)
    expect({ running, api }).toEqual({ running: 5, api: '1.41' })
    expect(containers.map(({ id: _, ...one }) => one)).toEqual([
      { name: 'web.1', driver: 'json-file', isReadable: true, loss: '', keptBytes: 30 * 2 ** 20 },
      expect.objectContaining({ name: 'none', isReadable: false }),
      expect.objectContaining({ name: 'fast', isReadable: true, loss: 'mode=non-blocking' }),
      { name: 'plain', driver: 'json-file', isReadable: true, loss: '' },
    ])
  })

  it('compares the clocks', async () => {
    const engine = await start()
    engine.info = { ServerVersion: '26.1.5', SystemTime: new Date(Date.now() + 60_000).toISOString() }
    const { version, aheadMs } = await examined(engine)
    expect(version).toBe('26.1.5')
    expect(aheadMs).toBeGreaterThan(50_000)
    expect(aheadMs).toBeLessThan(70_000)
  })
})
