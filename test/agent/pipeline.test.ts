import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { follow } from '../../agent/pipeline.ts'
import { AgentStatus } from '../../agent/status.ts'
import { Engine } from '../../agent/tail/engine.ts'
import type { Source } from '../../shared/record.ts'
import type { FakeContainer, Written } from './fake-container.ts'
import { FakeEngine, frame, stampOf } from './fake-engine.ts'
import { type Recorded, Recorder } from './recorder.ts'

let engine: FakeEngine
let recorders: Recorder[]
beforeEach(async () => {
  engine = await FakeEngine.start()
  recorders = []
})
afterEach(async () => {
  for (const recorder of recorders) await recorder.stop()
  await engine.close()
})

function record(options: ConstructorParameters<typeof Recorder>[1] = {}, before?: Recorder): Recorder {
  const recorder = new Recorder(engine.host, options, before)
  recorders.push(recorder)
  return recorder
}

/** Waits until a number has stopped growing. */
async function settled(read: () => number): Promise<void> {
  for (let before = -1; before !== read(); ) {
    before = read()
    await sleep(100)
  }
}

type Identity = Pick<Recorded, 'source' | 'seconds' | 'nanos' | 'ordinal' | 'message'>

const text = ({ source, seconds, nanos, ordinal, message }: Identity) =>
  `${source} ${seconds}.${nanos} ${ordinal} ${message}`

/** What must be stored of what a container wrote: identity and message of each line. */
function truth(written: readonly Written[]): string[] {
  const counts = new Map<string, number>()
  return written.map((line) => {
    const key = `${line.source} ${line.seconds}.${line.nanos}`
    const ordinal = counts.get(key) ?? 0
    counts.set(key, ordinal + 1)
    return text({ ...line, ordinal })
  })
}

/** What a store makes of it: each identity once. */
const stored = (lines: readonly Recorded[]) => [...new Set(lines.map(text))]

const sorted = (lines: readonly string[]) => [...lines].sort()

function writeMany(container: FakeContainer, count: number, source: Source = 'stdout', from = 0): void {
  for (let i = from; i < from + count; i++) container.write(`line ${i}`, { source })
}

describe('follow', () => {
  it('hands on what is there, then what comes, once and in order', async () => {
    const container = engine.container()
    writeMany(container, 10)
    const recorder = record()
    await recorder.until(() => recorder.lines.length === 10)
    container.write('more')
    container.write('on stderr', { source: 'stderr' })
    await recorder.until(() => recorder.lines.length === 12)
    expect(recorder.lines.map(text)).toEqual(truth(container.written))
    expect(recorder.lines[0]?.stream).toMatchObject({
      service: 'app',
      nodeName: 'fake',
      nodeId: 'ENGINE',
      image: 'lab/app:1',
    })
  })

  it('shows the newest lines of a long log first, and all of it in the end', async () => {
    const container = engine.container()
    writeMany(container, 30_000)
    const recorder = record()
    await recorder.until(() => recorder.lines.length > 0)
    expect(recorder.messages.at(-1)).toBe('line 29999')
    expect(recorder.lines.length).toBeLessThan(1000)
    container.write('live')
    await recorder.until(() => recorder.lines.length === 30_001)
    expect(recorder.messages.indexOf('live')).toBeLessThan(10_000)
    expect(sorted(recorder.lines.map(text))).toEqual(sorted(truth(container.written)))
  })

  it('goes on with history where a restart interrupted it', async () => {
    const container = engine.container()
    writeMany(container, 60_000)
    const first = record()
    await first.until(() => first.lines.length > 15_000)
    await first.stop()
    writeMany(container, 500, 'stderr')
    const second = record({}, first)
    await second.until(() => first.lines.length + second.lines.length >= 60_500)
    await second.stop()
    const all = [...first.lines, ...second.lines]
    expect(sorted(stored(all))).toEqual(sorted(truth(container.written)))
    expect(all.length).toBe(60_500)
  })

  it('reads no history beyond the horizon', async () => {
    const container = engine.container()
    const old = BigInt(Date.now() - 3_600_000) * 1_000_000n
    for (let i = 0; i < 3000; i++) container.write(`old ${i}`, { time: old + BigInt(i) })
    for (let i = 0; i < 3000; i++) container.write(`new ${i}`, { time: BigInt(Date.now()) * 1_000_000n + BigInt(i) })
    const recorder = record({ backfillNs: 600n * 10n ** 9n })
    await recorder.until(() => recorder.lines.length === 3000)
    await recorder.until(() => recorder.status.history === 0)
    expect(sorted(recorder.lines.map(text))).toEqual(sorted(truth(container.written.slice(3000))))
  })

  it('reads nothing that is older than the server keeps lines, once that is known', async () => {
    const container = engine.container()
    const old = BigInt(Date.now() - 3_600_000) * 1_000_000n
    for (let i = 0; i < 3000; i++) container.write(`old ${i}`, { time: old + BigInt(i) })
    for (let i = 0; i < 100; i++) container.write(`new ${i}`, { time: BigInt(Date.now()) * 1_000_000n + BigInt(i) })
    const knowing = record({ retentionMs: () => 600_000 })
    await knowing.until(() => knowing.lines.length === 100)
    container.write('last', { time: BigInt(Date.now()) * 1_000_000n + 1000n })
    await knowing.until(() => knowing.lines.length === 101 && knowing.status.history === 0)
    expect(sorted(knowing.lines.map(text))).toEqual(sorted(truth(container.written.slice(3000))))
    let asked = 0
    const learning = record({ retentionMs: () => (asked++ === 0 ? undefined : 600_000) })
    await learning.until(() => learning.lines.length > 500)
    await settled(() => learning.lines.length)
    expect(learning.lines.length).toBeLessThan(1100)
  })

  it('with a backfill of 0 shows new lines only, and after a restart those that came meanwhile', async () => {
    const container = engine.container()
    writeMany(container, 2000)
    const first = record({ backfillNs: 0n })
    await first.until(() => container.isFollowed)
    container.write('new', { time: BigInt(Date.now()) * 1_000_000n })
    await first.until(() => first.lines.length > 0)
    expect(first.messages).toEqual(['new'])
    await first.stop()
    container.write('meanwhile')
    const second = record({ backfillNs: 0n }, first)
    await second.until(() => second.lines.length > 0)
    expect(second.messages).toEqual(['meanwhile'])
  })

  it('numbers lines of equal time alike, wherever a window begins', async () => {
    const container = engine.container()
    for (let i = 0; i < 4000; i++) {
      const time = 1_700_000_000_000_000_000n + BigInt(Math.floor(i / 7))
      container.write(`line ${i}`, { time, source: i % 3 === 0 ? 'stderr' : 'stdout' })
    }
    const recorder = record()
    await recorder.until(() => recorder.lines.length === 4000)
    expect(sorted(recorder.lines.map(text))).toEqual(sorted(truth(container.written)))
  })

  it('takes lines whose time is older than that of lines before them', async () => {
    const container = engine.container()
    writeMany(container, 50)
    const first = record()
    await first.until(() => first.lines.length === 50)
    await first.stop()
    for (let i = 0; i < 50; i++) container.write(`back ${i}`, { time: 1_600_000_000_000_000_000n + BigInt(i) })
    const second = record({}, first)
    await second.until(() => second.lines.length === 50)
    expect(second.messages[0]).toBe('back 0')
  })

  it('resumes behind more lines than the first window shows', async () => {
    const container = engine.container()
    writeMany(container, 50)
    const first = record()
    await first.until(() => first.lines.length === 50)
    await first.stop()
    writeMany(container, 5000, 'stdout', 50)
    const second = record({}, first)
    await second.until(() => second.lines.length >= 5000)
    container.write('last')
    await second.until(() => second.lines.length >= 5001)
    expect(second.lines.map(text)).toEqual(truth(container.written).slice(50))
  })

  it('takes all of a log that was rotated beyond its checkpoint, and marks its head', async () => {
    const container = engine.container({ driverOptions: { 'max-size': '10k' } })
    writeMany(container, 50)
    const first = record()
    await first.until(() => first.lines.length === 50)
    await first.stop()
    writeMany(container, 100, 'stdout', 50)
    container.rotate(60)
    const second = record({}, first)
    await second.until(() => second.lines.length === 90)
    expect(second.lines.map(text)).toEqual(truth(container.written).slice(60))
    expect(second.lines.map(({ headMissing }) => headMissing)).toEqual([true, ...Array(89).fill(false)])
  })

  it('finds its place when only the last of the lines it remembers are left', async () => {
    const container = engine.container()
    writeMany(container, 50)
    const first = record()
    await first.until(() => first.lines.length === 50)
    await first.stop()
    container.write('more')
    container.rotate(45)
    const second = record({}, first)
    await second.until(() => second.lines.length > 0)
    expect(second.messages).toEqual(['more'])
  })

  it('reads a dead container to its end, with a last line that has no newline', async () => {
    const container = engine.container()
    const recorder = record()
    await recorder.until(() => container.isFollowed)
    container.write('whole')
    container.write('no newline', { end: '' })
    container.write('x'.repeat(32 * 1024), { end: '' })
    container.die()
    await recorder.until(() => recorder.lines.length === 3)
    container.write('again')
    container.start()
    await recorder.until(() => recorder.lines.length === 4)
    expect(recorder.lines.map(text)).toEqual(truth(container.written))
  })

  it('does not repeat a line without end that lies among later lines of the other source', async () => {
    const container = engine.container()
    const recorder = record()
    await recorder.until(() => container.isFollowed)
    writeMany(container, 20, 'stderr')
    container.write('x'.repeat(16 * 1024), { end: '' })
    container.die()
    await recorder.until(() => recorder.lines.length === 21)
    container.start()
    writeMany(container, 20, 'stderr', 20)
    container.write('next run')
    await recorder.until(() => recorder.lines.length === 42)
    container.cut()
    container.write('after the cut')
    await recorder.until(() => recorder.lines.length === 43)
    expect(sorted(recorder.lines.map(text))).toEqual(sorted(truth(container.written)))
  })

  it('gets the head of a long line that began before its checkpoint', async () => {
    const container = engine.container()
    const first = record()
    await first.until(() => container.isFollowed)
    const [head, tail] = container.begin('x'.repeat(20_000)) as [Buffer, Buffer]
    container.append(head)
    writeMany(container, 300, 'stderr')
    await first.until(() => first.lines.length === 300)
    await first.stop()
    container.append(tail)
    const second = record({}, first)
    await second.until(() => second.lines.length === 1)
    expect(second.lines.map(text)).toEqual(truth(container.written).slice(0, 1))
  })

  it('reads on after the engine sent an error frame, an impossible header, or broke the connection', async () => {
    const container = engine.container()
    const recorder = record()
    await recorder.until(() => container.isFollowed)
    const faults = [frame('error', '', 'Error grabbing logs: gone'), Buffer.from('HTTP/1.1 500 Internal')]
    for (const fault of faults) {
      let sent = false
      container.script = (query, response) => {
        if (sent || query.get('follow') !== '1') return false
        sent = true
        response.write(fault)
        return true
      }
      container.cut()
      await recorder.until(() => sent)
      container.write('next')
      await recorder.until(() => recorder.lines.length === container.written.length)
    }
    expect(recorder.lines.map(text)).toEqual(truth(container.written))
  })

  it('survives the engine, and finds what was started meanwhile', async () => {
    const container = engine.container()
    const recorder = record()
    await recorder.until(() => container.isFollowed)
    await engine.crash()
    container.write('meanwhile')
    const other = engine.container({ name: 'other' })
    other.write('hello')
    await recorder.until(() => recorder.logged.some(({ level }) => level === 40))
    await engine.listen()
    await recorder.until(() => recorder.lines.length === 2)
    expect(sorted(recorder.messages)).toEqual(['hello', 'meanwhile'])
  })

  it('negotiates the API version, and says so when the engine is too old', async () => {
    engine.apiVersion = '1.39'
    const recorder = record()
    await recorder.until(() => recorder.status.engine.includes('API 1.40'))
    engine.apiVersion = '1.99'
    await recorder.until(() => recorder.status.engine === 'reachable')
    expect(engine.requests.some((path) => path.startsWith('/v1.54/containers'))).toBe(true)
  })

  it.each([
    ['1.53', 'no frames'],
    ['1.54', 'JSON objects'],
  ])('reads TTY containers, whose log has, by API %s, %s', async (version) => {
    engine.apiVersion = version
    const container = engine.container({ tty: true })
    container.write('plain\r')
    container.write(`${'é'.repeat(30_000)}\r`)
    const recorder = record()
    await recorder.until(() => recorder.lines.length === 2)
    container.write('after\r', { time: container.tick(1_000_000_000n) })
    container.write('without an end', { end: '' })
    container.write('of the next run\r')
    container.write('\u0000\u001b[31m\ufffd "\\" </b>\u2028\r')
    container.write('\r')
    await recorder.until(() => recorder.lines.length === 7)
    expect(recorder.lines.map(text)).toEqual(truth(container.written))
    const logs = engine.requests.filter((path) => path.includes('/logs?') && !path.includes('details=1'))
    expect(logs.every((path) => path.includes('format=json') === (version === '1.54'))).toBe(true)
  })

  it('takes no text of a TTY for a time of Docker where the engine gives JSON', async () => {
    engine.apiVersion = '1.54'
    const container = engine.container({ tty: true })
    container.write('see 2099-01-01T00:00:00.000000000Z this')
    const recorder = record()
    await recorder.until(() => recorder.lines.length === 1)
    expect(recorder.lines.map(text)).toEqual(truth(container.written))
  })

  it('asks for JSON of no other container: bytes that are no UTF-8 would be lost', async () => {
    engine.apiVersion = '1.54'
    const [framed, local] = [engine.container(), engine.container({ tty: true, driver: 'local' })]
    framed.write('framed')
    local.write('local\r')
    const recorder = record()
    await recorder.until(() => recorder.lines.length === 2)
    expect(engine.requests.filter((path) => path.includes('format='))).toEqual([])
  })

  it.each([
    ['swarmlogs.enable=false', { labels: { 'swarmlogs.enable': 'false' } }],
    ['our own label', { labels: { 'org.swarmlogs.self': 'true' } }],
    ['driver none', { driver: 'none' }],
    ['dual logging switched off', { driver: 'syslog', driverOptions: { 'cache-disabled': 'true' } }],
    [
      'the fluentd driver and our own address',
      { driver: 'fluentd', driverOptions: { 'fluentd-address': '127.0.0.1' } },
    ],
  ])('leaves out a container with %s', async (_, options) => {
    const left = engine.container({ ...options, name: 'left' })
    left.write('not this')
    const recorder = record({ ownForwardAddresses: ['localhost:24224'] })
    engine.container({ name: 'taken' }).write('this')
    await recorder.until(() => recorder.lines.length === 1)
    expect(recorder.messages).toEqual(['this'])
    expect(engine.requests.some((path) => path.includes(`${left.id}/logs`))).toBe(false)
  })

  it('reports a driver that cannot be read once per service, and does not ask again', async () => {
    const labels = { 'com.docker.compose.service': 'web', 'com.docker.compose.project': 'shop' }
    for (let i = 0; i < 3; i++) {
      const container = engine.container({ driver: 'syslog', labels, name: `web-${i}` })
      container.script = (_, response) => {
        response.writeHead(501, { 'content-type': 'application/json' })
        response.end('{"message":"configured logging driver does not support reading"}')
        return true
      }
    }
    const recorder = record()
    await recorder.until(() => recorder.status.following === 0 && recorder.status.unreadable.size > 0)
    expect([...recorder.status.unreadable]).toEqual([['web', 'syslog']])
    expect(recorder.logged.filter(({ driver }) => driver === 'syslog')).toHaveLength(1)
  })

  it('reads only as fast as it is pulled', async () => {
    const container = engine.container()
    const line = frame('stdout', stampOf(1_700_000_000, 1), `${'x'.repeat(1000)}\n`)
    let taken = 0
    const full = Promise.withResolvers<void>()
    container.script = (query, response) => {
      if (query.get('follow') !== '1') return false
      const fill = () => {
        while (taken < 200_000_000 && response.write(line)) taken += line.length
        full.resolve()
      }
      response.on('drain', fill)
      fill()
      return true
    }
    const stop = new AbortController()
    const batches = follow({
      engine: new Engine({ host: engine.host }),
      checkpoints: { load: () => undefined },
      backfillNs: 0n,
      signal: stop.signal,
      log: pino({ level: 'silent' }),
      status: new AgentStatus(),
    })
    for (let bytes = 0; bytes < 200_000; ) bytes += (await batches.next()).value?.bytes ?? 0
    await full.promise
    await settled(() => taken)
    const before = taken
    expect(before).toBeLessThan(2_000_000)
    for (let bytes = 0; bytes < 5_000_000; ) bytes += (await batches.next()).value?.bytes ?? 0
    expect(taken).toBeGreaterThan(before + 3_000_000)
    stop.abort()
    await batches.return()
  })
})

describe('drain', () => {
  it('reads the last words of a neighbour that is told to stop after the agent', async () => {
    const busy = engine.container({ name: 'healthy' })
    const neighbour = engine.container({ name: 'neighbour' })
    const recorder = record()
    await recorder.until(() => busy.isFollowed && neighbour.isFollowed)
    recorder.drain()
    neighbour.kill('15')
    neighbour.write('stopping')
    await recorder.until(() => recorder.lines.length === 1)
    busy.write('as ever')
    neighbour.write('stopped')
    neighbour.die()
    await recorder.done
    expect(sorted(recorder.messages)).toEqual(['as ever', 'stopped', 'stopping'])
  })

  it('does not wait for a neighbour that was told to stop before it was started again', async () => {
    const neighbour = engine.container({ name: 'neighbour' })
    const since = engine.now
    const replay = Promise.withResolvers<void>()
    engine.replay = replay.promise
    neighbour.kill('15')
    neighbour.die()
    neighbour.start()
    const recorder = record({ since: { upTo: since, hadEvents: false } })
    await recorder.until(() => neighbour.isFollowed)
    replay.resolve()
    const last = engine.container({ name: 'last' })
    await recorder.until(() => last.isFollowed)
    recorder.drain()
    await recorder.done
    expect(neighbour.running).toBe(true)
  })
})

describe('a log that is read with interruptions', () => {
  const write = fc.record({
    kind: fc.constant('write' as const),
    count: fc.integer({ min: 1, max: 150 }),
    source: fc.constantFrom<Source>('stdout', 'stderr'),
    size: fc.constantFrom(0, 5, 16_383, 16_384, 16_385),
    step: fc.constantFrom(0n, 1n, 1000n),
  })
  const fault = fc.constantFrom('cut', 'restart', 'crash', 'reborn').map((kind) => ({ kind }) as const)

  it('comes out whole and once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ weight: 3, arbitrary: write }, { weight: 2, arbitrary: fault }), { maxLength: 12 }),
        fc.constantFrom(undefined, 7, 1000),
        async (steps, chunkBytes) => {
          engine.chunkBytes = chunkBytes
          const container = engine.container()
          let recorder = record()
          const before: Recorded[] = []
          for (const step of steps) {
            if (step.kind === 'write') {
              const count = step.size > 1000 ? Math.min(3, step.count) : step.count
              for (let i = 0; i < count; i++) {
                const message = `${container.written.length}`.padEnd(step.size, 'x')
                container.write(message, { source: step.source, time: container.tick(step.step) })
              }
            } else if (step.kind === 'cut') container.cut()
            else if (step.kind === 'reborn') {
              container.die()
              container.start()
            } else if (step.kind === 'crash') {
              await engine.crash()
              await engine.listen()
            } else {
              await recorder.stop()
              before.push(...recorder.lines)
              recorder = record({}, recorder)
            }
          }
          const all = () => [...before, ...recorder.lines].filter(({ stream }) => stream.containerId === container.id)
          await recorder.until(() => all().length >= container.written.length)
          await recorder.stop()
          engine.remove(container)
          expect(sorted(all().map(text))).toEqual(sorted(truth(container.written)))
        },
      ),
      { numRuns: 30 },
    )
  })
})
