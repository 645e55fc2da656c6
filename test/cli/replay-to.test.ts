import { writeFile } from 'node:fs/promises'
import { FluentServer } from '@fluent-org/logger'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startForward } from '../../server/input/forward/listener.ts'
import type { LogRecord } from '../../shared/record.ts'
import { Scene } from '../server/bundle/scene.ts'
import { startListener, type TestListener } from '../server/input/forward/harness.ts'
import { RecordingMetrics } from '../server/input/recorder.ts'
import { serve } from '../server/serve.ts'
import { MemoryStore } from '../server/store/memory.ts'
import { NOON, SECOND } from '../server/store/records.ts'
import { runCli, startCli } from './scripted.ts'

let scene: Scene
beforeAll(async () => {
  scene = await Scene.open(new MemoryStore())
  await scene.save('a.slog')
}, 60_000)
afterAll(() => scene.close())

const args = (...rest: string[]) => ['replay', scene.path('a.slog'), ...rest]
const environment = () => ({ XDG_CACHE_HOME: scene.path('home') })
const cli = (...rest: string[]) => runCli(args(...rest), environment())

async function listening(keys: readonly string[] = []): Promise<TestListener & { readonly to: string }> {
  const listener = await startListener({ sharedKeys: () => keys })
  onTestFinished(() => listener.close(0))
  return { ...listener, to: `forward://127.0.0.1:${listener.port}` }
}

const labelled = ({ stream, source, time, message }: LogRecord) => [stream.taskName, stream.tag, source, time, message]

describe('replay --to', { timeout: 60_000 }, () => {
  it('sends lines and gaps with their labels, times and ordinals, to whoever knows the key', async () => {
    const { ingest, to } = await listening(['right'])
    const keyFile = scene.path('key')
    await writeFile(keyFile, 'right\n')
    const { code, stdout } = await cli('--speed', 'max', '--to', to, '--shared-key-file', keyFile)
    expect({ code, stdout }).toEqual({ code: 0, stdout: `sent ${ingest.stored.length} lines to ${to}\n` })
    const { records } = await (await scene.server.get('/api/v1/search?limit=10000&q=-odd')).json()
    expect(ingest.stored.length).toBeGreaterThan(records.length - 5)
    const sent = ingest.stored.filter(({ message }) => message.startsWith('same'))
    expect(sent.map((line) => [...labelled(line), line.ordinal])).toEqual(
      [0, 1, 2].map((n) => [expect.stringContaining('shop_web.1'), '', 'stdout', NOON + SECOND, `same ${n}`, n]),
    )
    expect(ingest.stored.find(({ cutFrom }) => cutFrom > 0)).toMatchObject({ cutFrom: 2_000_000 })
    expect(ingest.gaps).toMatchObject([{ atMost: 9, reason: 'rotated' }])
    expect(ingest.agents).toEqual([])
  })

  it('doubles no line of an agent that the receiver has', async () => {
    const own = await serve()
    const listener = await startForward({
      ...{ listen: { host: '127.0.0.1', port: 0 }, sharedKeys: () => [], ingest: own.context.ingestor },
      ...{ identity: () => ({ id: 'x', epoch: 1 }), log: own.context.log, metrics: new RecordingMetrics() },
    })
    onTestFinished(async () => {
      await listener.close(0)
      await own.close()
    })
    const sent = ['web', '--speed', 'max', '--to', `127.0.0.1:${listener.port}`]
    for (const _ of [1, 2]) expect((await cli(...sent)).stdout).toMatch(/^sent 503 lines/)
    expect((await (await own.get('/api/v1/count')).json()).records).toBe(503)
  })

  it('has lines be of now when asked to, with the pauses that were between them', async () => {
    const { ingest, to } = await listening()
    const before = BigInt(Date.now()) * 1_000_000n
    const { code } = await cli('web', '--from', `${NOON / SECOND + 1n}`, '--speed', '10x', '--to', to, '--retime')
    expect(code).toBe(0)
    const times = ingest.stored.map(({ time }) => time)
    expect(times.length).toBe(3)
    expect(times.every((time) => time >= before && time < before + 60n * SECOND)).toBe(true)
    expect(ingest.stored.map(({ ordinal }) => ordinal)).toEqual([0, 1, 2])
  })

  it('sends other receivers the labels as fields', async () => {
    const entries: unknown[] = []
    class Receiver extends FluentServer {
      protected override onEntry(tag: string, _: unknown, record: Record<string, unknown>): void {
        entries.push([tag, record])
      }
    }
    const server = new Receiver({ listenOptions: { port: 0, host: '127.0.0.1' } })
    await server.listen()
    onTestFinished(() => server.close())
    const to = `forward://127.0.0.1:${server.port}`
    const { stdout } = await cli('api', '--grep', 'short', '--speed', 'max', '--to', to)
    expect(stdout).toBe(`sent 1 lines to ${to}\n`)
    expect(entries).toEqual([
      ['swarmlogs.records', expect.objectContaining({ message: 'short', service: 'shop_api', source: 'stdout' })],
    ])
  })

  it('stops at Ctrl-C, and says what was sent', async () => {
    const { ingest, to } = await listening()
    const running = startCli(args('--speed', '0.01', '--max-pause', '1h', '--to', to), environment())
    await ingest.until(1)
    running.child.kill('SIGINT')
    const { code, stdout } = await running.ended
    expect(code).toBe(130)
    expect(stdout).toBe(`stopped: sent ${ingest.stored.length} lines to ${to}\n`)
  })

  it('says what is wrong', async () => {
    const gone = await startListener()
    const { port } = gone
    await gone.close(0)
    const outcomes = await Promise.all([
      cli('--to', `127.0.0.1:${port}`),
      cli('--to', 'forward://logs.example:24224'),
      cli('--to', 'x:1', '--ui'),
      cli('--retime'),
    ])
    expect(
      outcomes.map(({ code, stderr }) => [code, stderr.split('\n').find((line) => line.startsWith('error'))]),
    ).toEqual([
      [1, expect.stringContaining(`cannot send lines to 127.0.0.1:${port} (tcp): `)],
      [2, expect.stringContaining('cannot send lines to logs.example:24224 without a shared key')],
      [2, 'error: cannot replay into the UI and to a receiver: give one'],
      [2, 'error: cannot use --retime without --to: lines that are shown keep their time'],
    ])
  })
})
