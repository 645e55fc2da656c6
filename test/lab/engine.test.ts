import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Engine, startEngine } from './engine.ts'
import { isAlive } from './processes.ts'

describe.each(['20', '26'] as const)('an engine %s of the lab', (version) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await startEngine({ version })
  })
  afterAll(() => engine?.stop())

  it('is of that version and runs a container', async () => {
    expect(await engine.docker(['version', '--format', '{{.Server.Version}}'])).toMatch(new RegExp(`^${version}\\.`))
    expect(await engine.docker(['run', '--rm', '--network', 'none', 'lab/busybox:1', 'echo', 'hello'])).toBe('hello\n')
  })

  it('keeps a container over SIGKILL and start', async () => {
    await engine.docker([
      'run',
      '-d',
      '--name',
      'app',
      '--stop-timeout',
      '1',
      '--network',
      'none',
      'lab/busybox:1',
      'sh',
      '-c',
      'echo first; sleep 1000',
    ])
    const { pid } = engine
    await engine.kill()
    expect(isAlive(pid)).toBe(false)
    await engine.start()
    expect(engine.pid).not.toBe(pid)
    expect(await engine.docker(['logs', 'app'])).toBe('first\n')
  })

  it('leaves no process behind', async () => {
    const container = Number(await engine.docker(['inspect', '--format', '{{.State.Pid}}', 'app']))
    const { pid } = engine
    await engine.stop()
    expect([pid, container].filter((one) => one > 0 && isAlive(one))).toEqual([])
  })
})
