import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { eventually, frame, RawClient, startListener, type TestListener } from './harness.ts'

const SECOND = 1_700_000_000
let listener: TestListener

afterEach(async () => {
  listener.ingest.release()
  await listener.close(100)
})

function line(log: string, chunk?: string): Buffer {
  return frame(['app', SECOND, { log }, chunk === undefined ? {} : { chunk }])
}

describe('while the store takes nothing', () => {
  it('a frame with a chunk id is never acked, and its connection is closed', async () => {
    listener = await startListener()
    const client = await RawClient.open(listener.port)
    listener.ingest.isFailing = true
    client.send(line('a', '1'))
    await client.closed
    expect(client.values).toEqual([])
    expect(listener.metrics.reasons.store).toBe(1)
    expect(listener.logged.at(-1)).toMatchObject({
      reason: 'store',
      detail: expect.stringContaining('free some disk space'),
    })
  })

  it('no frame behind one that failed is acked', async () => {
    listener = await startListener()
    const client = await RawClient.open(listener.port)
    listener.ingest.isFailing = true
    listener.ingest.hold()
    client.send(line('a', '1'))
    await eventually(() => listener.ingest.tries).toBe(1)
    client.send(line('b', '2'))
    await eventually(() => listener.ingest.tries).toBe(2)
    listener.ingest.release()
    await eventually(() => listener.metrics.reasons.store).toBe(2)
    listener.ingest.isFailing = false
    await client.closed
    expect(client.values).toEqual([])
  })

  it('the rest of a large frame is not stored behind a part that failed', async () => {
    listener = await startListener()
    const client = await RawClient.open(listener.port)
    listener.ingest.isFailing = true
    listener.ingest.hold()
    const entry = frame([SECOND, { log: '' }])
    client.send(frame(['app', Buffer.alloc(30_000 * entry.length, entry), { chunk: 'c' }]))
    await eventually(() => listener.ingest.tries).toBe(1)
    listener.ingest.release()
    await client.closed
    expect(listener.ingest.tries).toBe(1)
    expect(client.values).toEqual([])
  })

  it('a frame without one is held, and stored when the store is back, even if its sender has gone', async () => {
    listener = await startListener()
    const client = await RawClient.open(listener.port)
    listener.ingest.isFailing = true
    client.send(line('a'))
    await listener.metrics.until('store')
    client.socket.destroy()
    listener.ingest.isFailing = false
    await listener.ingest.until(1)
    expect(listener.ingest.messages).toEqual(['a'])
  })
})

describe('back-pressure', () => {
  it('a connection is not read when 16 batches wait for the store, and is read on when they are stored', async () => {
    listener = await startListener()
    listener.ingest.hold()
    const client = await RawClient.open(listener.port)
    for (let count = 1; count <= 16; count++) {
      client.send(line(`${count}`, `${count}`))
      await eventually(() => listener.ingest.tries).toBe(count)
    }
    client.send(line('late', 'late'))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(listener.metrics.frames).toBe(16)
    const other = await RawClient.open(listener.port)
    other.send(line('other', 'o'))
    await eventually(() => listener.ingest.tries).toBe(17)
    listener.ingest.release()
    expect(await client.receive(17)).toHaveLength(17)
    expect(await other.receive(1)).toEqual([{ ack: 'o' }])
  })

  it('a store that waits costs bounded memory, whatever senders push, and all of it is stored in the end', async () => {
    listener = await startListener()
    listener.ingest.hold()
    const clients = await Promise.all(Array.from({ length: 8 }, () => RawClient.open(listener.port)))
    const chunk = frame(['app', Array(15).fill([SECOND, { log: 'x'.repeat(100_000) }]), { chunk: 'c' }])
    for (const client of clients) for (let i = 0; i < 20; i++) client.send(chunk)
    // Reading has ended when no frame has come for a while.
    let read = -1
    await eventually(() => {
      const before = read
      read = listener.metrics.frames
      return read > 0 && read === before
    }, 150).toBe(true)
    expect(read).toBeGreaterThan(20)
    expect(read * chunk.length).toBeLessThan(90 << 20)
    listener.ingest.release()
    await listener.ingest.until(8 * 20 * 15)
    for (const client of clients) expect(await client.receive(20)).toHaveLength(20)
  })

  it('a sender that never reads its acks is served all the same, within bounds', async () => {
    listener = await startListener()
    const client = await RawClient.open(listener.port)
    client.socket.pause()
    const id = 'x'.repeat(250)
    const frames = Buffer.concat(Array.from({ length: 1000 }, () => line('a', id)))
    for (let i = 0; i < 30; i++) client.send(frames)
    await listener.ingest.until(30_000)
    expect(listener.ingest.stored).toHaveLength(30_000)
    expect(listener.metrics.open).toBe(1)
    client.socket.resume()
    await eventually(() => client.send(line('b', 'fresh')).bytes.includes('fresh')).toBe(true)
  }, 20_000)
})

describe('deadlines', () => {
  async function withClock(test: (advance: (ms: number) => void) => Promise<void>): Promise<void> {
    vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] })
    try {
      await test((ms) => vi.advanceTimersByTime(ms))
    } finally {
      vi.useRealTimers()
    }
  }

  it('a frame must be whole 60 s after its first byte', () =>
    withClock(async (advance) => {
      listener = await startListener()
      const client = await RawClient.open(listener.port)
      client.send(line('whole', 'c').subarray(0, 5))
      await eventually(() => listener.metrics.open).toBe(1)
      await new Promise((resolve) => setTimeout(resolve, 30))
      advance(59_000)
      client.send(Buffer.from('x'))
      await new Promise((resolve) => setTimeout(resolve, 30))
      expect(client.socket.destroyed).toBe(false)
      advance(3000)
      await client.closed
      expect(listener.metrics.reasons).toEqual({ 'frame-timeout': 1 })
    }))

  it('a large frame that comes a byte now and then is not waited for either', () =>
    withClock(async (advance) => {
      listener = await startListener()
      const client = await RawClient.open(listener.port)
      client.send(frame(['app', Buffer.alloc(1 << 20)]).subarray(0, 200_000))
      for (let waited = 0; waited < 60_000; waited += 10_000) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        expect(client.socket.destroyed).toBe(false)
        client.send(Buffer.from('x'))
        advance(10_000)
      }
      advance(2000)
      await client.closed
      expect(listener.metrics.reasons).toEqual({ 'frame-timeout': 1 })
    }))

  it('a quiet sender stays: Docker logs nothing for hours', () =>
    withClock(async (advance) => {
      listener = await startListener()
      const client = await RawClient.open(listener.port)
      client.send(line('a', '1'))
      await client.receive(1)
      advance(24 * 3_600_000)
      client.send(line('b', '2'))
      expect(await client.receive(2)).toHaveLength(2)
    }))

  it('a login must come within 10 s', () =>
    withClock(async (advance) => {
      listener = await startListener({ sharedKeys: () => ['key'] })
      const client = await RawClient.open(listener.port)
      await client.receive(1)
      client.send(Buffer.from([0x96]))
      advance(9000)
      expect(client.socket.destroyed).toBe(false)
      advance(2000)
      await client.closed
      expect(listener.metrics.reasons).toEqual({ 'login-timeout': 1 })
    }))
})

describe('the end', () => {
  it('of a sender that closes its side comes after its acks', async () => {
    listener = await startListener()
    const socket = connect({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true })
    const client = new RawClient(socket)
    listener.ingest.hold()
    client.send(line('a', '1'))
    socket.end()
    await eventually(() => listener.ingest.tries).toBe(1)
    listener.ingest.release()
    expect(await client.receive(1)).toEqual([{ ack: '1' }])
    await client.closed
    expect(listener.metrics.open).toBe(0)
  })

  it('of the listener comes when its grace is over, even if the store never answers', async () => {
    listener = await startListener()
    const client = await RawClient.open(listener.port)
    listener.ingest.hold()
    client.send(line('a', '1'))
    await eventually(() => listener.ingest.tries).toBe(1)
    await listener.close(50)
    await client.closed
    expect(client.values).toEqual([])
  })

  it('of the listener gives up frames that nobody would send again, and counts them', async () => {
    listener = await startListener()
    const client = await RawClient.open(listener.port)
    listener.ingest.isFailing = true
    client.send(line('a'))
    await listener.metrics.until('store')
    await listener.close(50)
    await eventually(() => listener.metrics.reasons.store).toBe(2)
  })

  it('of a listener that cannot have its address is an error that says so', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const address = taken.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    listener = await startListener()
    await expect(startListener({ listen: { host: '127.0.0.1', port } })).rejects.toThrow(
      `cannot listen for forward senders on 127.0.0.1:${port}`,
    )
    taken.close()
  })
})

describe('TLS', () => {
  const dir = mkdtempSync(join(tmpdir(), 'swarmlogs-tls-'))

  afterAll(() => rmSync(dir, { recursive: true }))

  function certificate(name: string): { cert: Buffer; key: Buffer } {
    const [cert, key] = [join(dir, `${name}.crt`), join(dir, `${name}.key`)]
    const request = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
    ]
    execFileSync(
      'openssl',
      [...request, '-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert],
      { stdio: 'pipe' },
    )
    return { cert: readFileSync(cert), key: readFileSync(key) }
  }

  async function open(ca: Buffer): Promise<RawClient> {
    const socket = connectTls({ port: listener.port, host: '127.0.0.1', ca })
    await once(socket, 'secureConnect')
    return new RawClient(socket)
  }

  it('carries the protocol, and takes a new certificate without a restart', async () => {
    const [first, second] = [certificate('first'), certificate('second')]
    let current = first
    listener = await startListener({ tls: () => current, sharedKeys: () => [] })
    const client = await open(first.cert)
    client.send(line('a', '1'))
    expect(await client.receive(1)).toEqual([{ ack: '1' }])
    current = second
    listener.reloadTls()
    await expect(open(first.cert)).rejects.toThrow()
    const next = await open(second.cert)
    next.send(line('b', '2'))
    expect(await next.receive(1)).toEqual([{ ack: '2' }])
    client.send(line('c', '3'))
    expect(await client.receive(2)).toEqual([{ ack: '1' }, { ack: '3' }])
    current = { cert: Buffer.from('no'), key: Buffer.from('no') }
    expect(() => listener.reloadTls()).toThrow()
    await open(second.cert)
  })

  it('ends a connection that does not speak it', async () => {
    const pair = certificate('plain')
    listener = await startListener({ tls: () => pair })
    const client = await RawClient.open(listener.port)
    client.send(line('a', '1'))
    await client.closed
    await listener.metrics.until('tls')
    expect(listener.ingest.stored).toEqual([])
  })
})
