import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { StoredRecord } from '../../shared/record.ts'
import { type Engine, startEngine } from '../lab/engine.ts'
import { startListener, type TestListener } from '../server/input/forward/harness.ts'

const NS = 1_000_000_000n

type Seen = Omit<StoredRecord, 'received'>

describe.each(['20', '26'] as const)("Docker's own fluentd driver, engine %s", (version) => {
  let engine: Engine
  let listener: TestListener

  beforeAll(async () => {
    engine = await startEngine({ version })
  })
  afterAll(() => engine?.stop())
  beforeEach(async () => {
    listener = await startListener()
  })
  afterEach(() => listener.close(1000))

  /** Runs a shell script in a container that logs to the listener; its records, once so many have come. */
  async function run(
    script: string,
    count: number,
    options: Record<string, string> = {},
    flags: string[] = [],
  ): Promise<Seen[]> {
    const logOptions = { 'fluentd-address': `127.0.0.1:${listener.port}`, ...options }
    const logFlags = Object.entries(logOptions).flatMap(([name, value]) => ['--log-opt', `${name}=${value}`])
    const image = ['--network', 'none', 'lab/busybox:1', 'sh', '-c', script]
    await engine.docker([
      'run',
      '--rm',
      '--name',
      'forward-app',
      '--log-driver',
      'fluentd',
      ...logFlags,
      ...flags,
      ...image,
    ])
    await listener.ingest.until(count)
    return listener.ingest.stored
  }

  it('brings lines of both sources with their container, in whole seconds', async () => {
    const before = BigInt(Math.floor(Date.now() / 1000)) * NS
    const records = await run('echo to stdout; echo to stderr >&2', 2)
    const containerId = records[0]?.stream.containerId
    expect(containerId).toMatch(/^[0-9a-f]{64}$/)
    expect(records.toSorted((a, b) => (a.source < b.source ? -1 : 1))).toMatchObject([
      { source: 'stderr', message: 'to stderr', chunk: '' },
      { source: 'stdout', message: 'to stdout', chunk: '' },
    ])
    for (const { stream, time, fields } of records) {
      expect(stream).toMatchObject({
        containerId,
        containerName: 'forward-app',
        service: 'forward-app',
        tag: containerId?.slice(0, 12),
      })
      expect(time % NS).toBe(0n)
      expect(time).toBeGreaterThanOrEqual(before)
      expect(fields).toBe('')
    }
  })

  it('brings nanoseconds, labels and environment when told to, and asks for acks', async () => {
    const options = {
      'fluentd-sub-second-precision': 'true',
      'fluentd-request-ack': 'true',
      labels: 'com.example.team',
      env: 'STAGE',
      tag: 'app.{{.Name}}',
    }
    const script = 'for i in 1 2 3 4 5 6 7 8 9 10; do echo "ERROR line $i"; done'
    const records = await run(script, 10, options, ['--label', 'com.example.team=a', '--env', 'STAGE=test'])
    expect(records.map(({ message }) => message)).toEqual(
      Array.from({ length: 10 }, (_, index) => `ERROR line ${index + 1}`),
    )
    expect(records.some(({ time }) => time % NS !== 0n)).toBe(true)
    expect(new Set(records.map(({ chunk }) => chunk)).size).toBe(10)
    expect(records[0]).toMatchObject({ level: 'error', stream: { tag: 'app.forward-app' } })
    expect(JSON.parse(records[0]?.fields ?? '')).toEqual({ 'com.example.team': 'a', STAGE: 'test' })
  })

  it('splits a long line, which is put together again', async () => {
    const records = await run("head -c 40000 /dev/zero | tr '\\0' x; echo; echo next", 2)
    expect(records.map(({ message }) => message.length)).toEqual([40_000, 4])
    expect(records[0]).toMatchObject({ cutFrom: 0, fields: '' })
  })

  it('has the parts of a long line stored as they are when it asks for acks, as each ack must mean that its part is stored', async () => {
    const options = { 'fluentd-request-ack': 'true' }
    const records = await run("head -c 40000 /dev/zero | tr '\\0' x; echo; echo next", 4, options)
    expect(records.map(({ message }) => message.length)).toEqual([16_384, 16_384, 7232, 4])
    expect(records.slice(0, 3).map(({ fields }) => JSON.parse(fields).partial_ordinal)).toEqual(['1', '2', '3'])
  })
})
