import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { keyDigest } from '../../../../shared/forward/handshake.ts'
import { eventually, frame, RawClient, startListener, type TestListener } from './harness.ts'

const KEYS = ['an-older-key', 'the-key']
const WELCOME = ['PONG', true, '', 'swarmlogs', expect.any(String)]
let listener: TestListener

afterEach(async () => {
  await listener.close(100)
})

async function open(): Promise<{ client: RawClient; nonce: Buffer }> {
  listener = await startListener({ sharedKeys: () => KEYS })
  const client = await RawClient.open(listener.port)
  const [hello] = (await client.receive(1)) as [['HELO', { nonce: Buffer; auth: string; keepalive: boolean }]]
  expect(hello).toEqual(['HELO', { nonce: expect.any(Buffer), auth: '', keepalive: true }])
  expect(hello[1].nonce).toHaveLength(16)
  return { client, nonce: hello[1].nonce }
}

function ping(nonce: Buffer, key: string, salt: Buffer | string = randomBytes(16), host = 'a-host'): unknown[] {
  return ['PING', host, salt, keyDigest({ salt: Buffer.from(salt as string), host, nonce, key }), '', '']
}

describe('the shared-key handshake', () => {
  it.each(KEYS)('lets a sender in that knows the key %s, proves the same, and names the sender', async (key) => {
    const { client, nonce } = await open()
    const salt = randomBytes(16)
    client.send(ping(nonce, key, salt))
    const [, pong] = await client.receive(2)
    expect(pong).toEqual(['PONG', true, '', 'swarmlogs', keyDigest({ salt, host: 'swarmlogs', nonce, key })])
    client.send(frame(['app', 1, { log: 'x' }, { chunk: 'c' }]))
    expect((await client.receive(3))[2]).toEqual({ ack: 'c' })
    expect(listener.ingest.stored[0]?.stream).toMatchObject({ nodeName: 'a-host', nodeId: 'a-host' })
  })

  it('takes a salt that is a string, and never goes by the name of the client', async () => {
    const { client, nonce } = await open()
    client.send(ping(nonce, 'the-key', 'salt', 'swarmlogs'))
    expect((await client.receive(2))[1]).toEqual(['PONG', true, '', 'swarmlogs-server', expect.any(String)])
  })

  it('refuses a wrong key with a PONG, then closes', async () => {
    const { client, nonce } = await open()
    client.send(ping(nonce, 'wrong'))
    expect((await client.receive(2))[1]).toEqual(['PONG', false, 'shared key mismatch', '', ''])
    await client.closed
    expect(listener.metrics.reasons).toEqual({ login: 1 })
  })

  it.each<[string, (nonce: Buffer) => unknown]>([
    ['a frame before PING', () => ['app', 1, { log: 'x' }]],
    ['a PING of five elements', (nonce) => ping(nonce, 'the-key').slice(0, 5)],
    ['a PING of seven elements', (nonce) => [...ping(nonce, 'the-key'), '']],
    ['a PONG', (nonce) => ['PONG', ...ping(nonce, 'the-key').slice(1)]],
    ['a long salt', (nonce) => ping(nonce, 'the-key', randomBytes(257))],
    ['a PING of more than 4 KiB', (nonce) => ping(nonce, 'the-key', randomBytes(5000))],
    ['a host with NUL', (nonce) => ping(nonce, 'the-key', 'salt', 'a\0b')],
    ['an empty host', (nonce) => ping(nonce, 'the-key', 'salt', '')],
    ['a salt that is a number', (nonce) => ping(nonce, 'the-key').with(2, 7)],
    ['a digest that is a map', (nonce) => ping(nonce, 'the-key').with(3, {})],
  ])('closes on %s', async (_, make) => {
    const { client, nonce } = await open()
    client.send(make(nonce))
    await client.closed
    expect(client.values).toHaveLength(1)
    expect(listener.ingest.stored).toEqual([])
    expect(Object.values(listener.metrics.reasons)).toEqual([1])
  })

  it('closes on a second PING', async () => {
    const { client, nonce } = await open()
    client.send(ping(nonce, 'the-key'))
    await client.receive(2)
    client.send(ping(nonce, 'the-key'))
    await client.closed
    expect(listener.metrics.reasons).toEqual({ 'frame-shape': 1 })
  })

  it('gives each connection a nonce of its own', async () => {
    const { nonce } = await open()
    const other = await RawClient.open(listener.port)
    const [hello] = (await other.receive(1)) as [['HELO', { nonce: Buffer }]]
    expect(hello[1].nonce).not.toEqual(nonce)
    other.socket.destroy()
  })

  it('bounds the strangers of one address, and lets others in when they are gone', async () => {
    listener = await startListener({ sharedKeys: () => KEYS })
    const clients = await Promise.all(Array.from({ length: 128 }, () => RawClient.open(listener.port)))
    await Promise.all(clients.map((client) => client.receive(1)))
    const late = await RawClient.open(listener.port)
    await late.closed
    expect(late.values).toEqual([])
    expect(listener.metrics.reasons).toEqual({ connections: 1 })
    for (const client of clients) client.socket.destroy()
    await eventually(() => listener.metrics.open).toBe(0)
    const next = await RawClient.open(listener.port)
    expect(await next.receive(1)).toHaveLength(1)
    next.socket.destroy()
  })

  it('bounds the connections of one name, says so, and lets others in', async () => {
    const { client, nonce } = await open()
    client.send(ping(nonce, 'the-key', 'salt', 'greedy'))
    await client.receive(2)
    for (let i = 1; i < 256; i++) await login('greedy')
    const late = await login('greedy')
    expect(late.values[1]).toEqual(['PONG', false, 'too many connections of greedy', '', ''])
    await late.closed
    expect(listener.metrics.reasons).toEqual({ connections: 1 })
    expect((await login('modest')).values[1]).toEqual(WELCOME)
    client.socket.destroy()
    await eventually(() => listener.metrics.open).toBe(256)
    expect((await login('greedy')).values[1]).toEqual(WELCOME)
  })

  it('at the bound of all connections closes the one that was idle for longest', async () => {
    listener = await startListener({ sharedKeys: () => KEYS, maxConnections: 3 })
    const [first, second, third] = [await login('a'), await login('b'), await login('c')]
    await sleep(5)
    first.send(frame(['app', 1, { log: 'x' }, { chunk: 'c' }]))
    await first.receive(3)
    const fourth = await login('d')
    await second.closed
    for (const client of [first, third, fourth]) expect(client.socket.destroyed).toBe(false)
    expect(listener.metrics.reasons).toEqual({ connections: 1 })
  })
})

async function login(host: string): Promise<RawClient> {
  const client = await RawClient.open(listener.port)
  const [hello] = (await client.receive(1)) as [['HELO', { nonce: Buffer }]]
  client.send(ping(hello[1].nonce, 'the-key', 'salt', host))
  await client.receive(2)
  return client
}
