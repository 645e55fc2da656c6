import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { discover } from '../../agent/discover.ts'
import type { Discovery } from '../../agent/discovery.ts'
import { AgentStatus } from '../../agent/status.ts'
import { Engine } from '../../agent/tail/engine.ts'
import { recordingLog } from './chunks.ts'
import { FakeEngine } from './fake-engine.ts'

let engine: FakeEngine
let stop: AbortController
beforeEach(async () => {
  engine = await FakeEngine.start()
  stop = new AbortController()
})
afterEach(async () => {
  stop.abort()
  await engine.close()
})

function watch() {
  const told: Discovery[] = []
  const { log, lines } = recordingLog()
  const status = new AgentStatus()
  const tell = (discovery: Discovery) => void told.push(discovery)
  void discover({ engine: new Engine({ host: engine.host }), log, status, signal: stop.signal, tell, relistMs: 50 })
  return {
    status,
    targets: () => told.flatMap((one) => (one.kind === 'target' ? [one.target.id] : [])),
    vanished: () => told.flatMap((one) => (one.kind === 'vanished' ? [one.target.id] : [])),
    lists: () => told.filter(({ kind }) => kind === 'listed').length,
    complaints: () => lines.filter(({ msg }) => String(msg).startsWith('cannot inspect')),
  }
}

describe('a container that cannot be inspected', () => {
  it('does not keep others from being found, and is reported once', async () => {
    const broken = engine.container({ name: 'broken', broken: 'fails' })
    const sound = engine.container()
    const { status, targets, lists, complaints } = watch()
    await vi.waitFor(() => expect(lists()).toBeGreaterThan(3))
    expect(targets()).toEqual([sound.id])
    expect(status.engine).toBe('reachable')
    const later = engine.container()
    await vi.waitFor(() => expect(targets()).toContain(later.id))
    expect(complaints()).toMatchObject([{ container: broken.id, name: 'broken' }])
  })

  it('keeps nothing waiting while the engine does not answer', async () => {
    engine.container({ broken: 'hangs' })
    const { targets, lists } = watch()
    await vi.waitFor(() => expect(lists()).toBeGreaterThan(2))
    const later = engine.container()
    await vi.waitFor(() => expect(targets()).toEqual(expect.arrayContaining([later.id])))
  })

  it('is found by a later list, whether a list or an event showed it first', async () => {
    const listed = engine.container({ broken: 'fails' })
    const { targets, lists, complaints } = watch()
    await vi.waitFor(() => expect(lists()).toBeGreaterThan(0))
    const started = engine.container({ broken: 'fails' })
    await vi.waitFor(() => expect(complaints()).toHaveLength(2))
    listed.broken = undefined
    started.broken = undefined
    await vi.waitFor(() => expect(targets().sort()).toEqual([listed.id, started.id].sort()))
  })
})

describe('a container that lived and died while the events were away', () => {
  it('is told of by the events that the engine kept', async () => {
    const { status, targets, vanished } = watch()
    await vi.waitFor(() => expect(status.engine).toBe('reachable'))
    const before = engine.container()
    await vi.waitFor(() => expect(targets()).toContain(before.id))
    engine.endEvents()
    const brief = engine.container({ name: 'brief' })
    engine.remove(brief)
    await vi.waitFor(() => expect(vanished()).toEqual([brief.id]))
    expect(targets()).not.toContain(brief.id)
  })
})
