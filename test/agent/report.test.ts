import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { agentConfig } from '../../agent/config.ts'
import { runAgent } from '../../agent/main.ts'
import type { AgentReport } from '../../shared/report.ts'
import { recordingLog, temporaryDir } from './chunks.ts'
import { FakeEngine } from './fake-engine.ts'
import { ack, type Frame, type Receiver, startReceiver } from './forwarder/receiver.ts'

const SECOND = 1_000_000_000n
let engine: FakeEngine
let state: string

beforeEach(async () => {
  engine = await FakeEngine.start()
  engine.info = { ...engine.info, ServerVersion: '26.1.5', SystemTime: new Date().toISOString() }
  onTestFinished(() => engine.close())
  state = join(temporaryDir(), 'state')
})

describe('an agent’s reports', () => {
  it('say what it follows, and up to when it has shipped all', async () => {
    const receiver = await startReceiver()
    engine.container().write('one')
    start(receiver.port)
    const report = await reported(receiver, ({ upTo }) => upTo !== '')
    expect(report).toMatchObject({ nodeId: 'ENGINE', nodeName: 'fake', engine: '26.1.5', following: 1, trouble: '' })
    expect(report).toMatchObject({ behind: { count: 0 }, unrotated: { count: 1 }, leaving: false, unfinished: 1 })
    const age = now() - BigInt(report.upTo)
    expect(age).toBeGreaterThanOrEqual(SECOND)
    expect(age).toBeLessThan(5n * SECOND)
  })

  it('claim nothing that is not acked', async () => {
    let isHeld = true
    const held: (() => void)[] = []
    const receiver = await startReceiver({
      onFrame: (socket, [tag, , { chunk }]) => {
        if (isHeld && tag === 'swarmlogs.records') held.push(() => socket.write(ack(chunk)))
        else socket.write(ack(chunk))
      },
    })
    engine.container().write('one')
    start(receiver.port)
    await receiver.until(() => reports(receiver).length >= 3)
    expect(reports(receiver).map(({ upTo }) => upTo)).toEqual(['', '', ''])
    isHeld = false
    for (const release of held) release()
    await reported(receiver, ({ upTo }) => upTo !== '')
  })

  it('name a container that is behind with its own time, and all that was before a restart', async () => {
    const receiver = await startReceiver()
    const container = engine.container()
    container.write('one')
    const before = start(receiver.port)
    const first = await reported(receiver, ({ upTo }) => upTo !== '')
    await before.stop()
    // The log cannot be read any more.
    container.script = (_query, response) => {
      response.writeHead(500).end('{"message":"broken"}')
      return true
    }
    const after = start(receiver.port)
    const report = await reported(receiver, ({ behind }) => behind.count > 0)
    const [lag] = report.behind.named
    expect(lag).toMatchObject({ containerId: container.id, service: 'app' })
    expect(BigInt(lag?.detail ?? 0)).toBeGreaterThanOrEqual(BigInt(first.upTo))
    expect(BigInt(lag?.detail ?? 0)).toBeLessThan(BigInt(report.upTo))
    await after.stop()
    const times = reports(receiver).map(({ upTo }) => BigInt(upTo || 0))
    expect(times).toEqual(times.toSorted((a, b) => (a < b ? -1 : 1)))
  })

  it('say since when its state knows of all: over a restart, not over its loss', async () => {
    const receiver = await startReceiver()
    const begun = now()
    const before = start(receiver.port)
    const { stateSince } = await reported(receiver, ({ upTo }) => upTo !== '')
    expect(BigInt(stateSince ?? 0)).toBeGreaterThanOrEqual(begun)
    await before.stop()
    const after = start(receiver.port)
    const count = reports(receiver).length
    await receiver.until(() =>
      reports(receiver)
        .slice(count)
        .some(({ upTo }) => upTo !== ''),
    )
    await after.stop()
    expect(reports(receiver).at(-1)?.stateSince).toBe(stateSince)
    rmSync(state, { recursive: true })
    start(receiver.port)
    await reported(receiver, (report) => BigInt(report.stateSince ?? 0) > BigInt(stateSince ?? 0))
  })

  it('end with a last word, in which nothing is unfinished when all has ended', async () => {
    const receiver = await startReceiver()
    const container = engine.container()
    container.write('one')
    const agent = start(receiver.port, { stopGrace: '20s' })
    await reported(receiver, ({ upTo }) => upTo !== '')
    const stopped = agent.stop()
    container.kill('15')
    container.write('last words', { time: now() })
    const died = now()
    container.die()
    await stopped
    const last = reports(receiver).at(-1)
    expect(last).toMatchObject({ leaving: true, unfinished: 0, behind: { count: 0 } })
    expect(BigInt(last?.upTo ?? 0)).toBeGreaterThan(died)
  })

  it('end with what still runs', async () => {
    const receiver = await startReceiver()
    engine.container().write('one')
    const agent = start(receiver.port)
    await reported(receiver, ({ upTo }) => upTo !== '')
    await agent.stop()
    expect(reports(receiver).at(-1)).toMatchObject({ leaving: true, unfinished: 1 })
  })

  it('tell a server with another store nothing of what the one before had', async () => {
    const receiver = await startReceiver()
    const container = engine.container()
    container.write('one')
    start(receiver.port)
    const { upTo } = await reported(receiver, (report) => report.upTo !== '')
    const before = reports(receiver).length
    container.script = () => true
    receiver.moveTo({ id: 'B', epoch: 1 })
    await receiver.until(() => reports(receiver).length >= before + 3)
    for (const report of reports(receiver).slice(before)) {
      const own = report.behind.named[0]?.detail ?? report.upTo
      expect(BigInt(own || 0)).toBeLessThan(BigInt(upTo))
    }
  })

  it('say at once that the engine is away', async () => {
    const receiver = await startReceiver()
    start(receiver.port)
    await reported(receiver, ({ upTo }) => upTo !== '')
    await engine.crash()
    const report = await reported(receiver, ({ trouble }) => trouble !== '')
    expect(report.trouble).toContain('fake-engine')
    const { upTo } = report
    await receiver.until(() => reports(receiver).filter(({ trouble }) => trouble !== '').length >= 2)
    expect(reports(receiver).at(-1)?.upTo).toBe(upTo)
  })
})

function start(port: number, flags: Record<string, unknown> = {}) {
  const { log } = recordingLog()
  const stop = new AbortController()
  const common = { docker: engine.host, server: `127.0.0.1:${port}`, state, backfill: '1000w', stopGrace: '500ms' }
  const done = runAgent(agentConfig({ ...common, ...flags }, {}), log, stop.signal)
  onTestFinished(async () => {
    stop.abort()
    await done
  })
  return {
    async stop() {
      stop.abort()
      await done
    },
  }
}

function reports({ frames }: Receiver): AgentReport[] {
  return frames.filter(([tag]) => tag === 'swarmlogs.report').map(reportOf)
}

function reportOf([, entries]: Frame): AgentReport {
  return (entries as [unknown, AgentReport][])[0]?.[1] as AgentReport
}

/** Resolves with the first report for which the condition holds. */
async function reported(receiver: Receiver, condition: (report: AgentReport) => boolean): Promise<AgentReport> {
  await receiver.until(() => reports(receiver).some(condition))
  return reports(receiver).find(condition) as AgentReport
}

function now(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}
