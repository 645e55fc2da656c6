import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type ProbeOptions, probe } from '../../agent/probe.ts'
import type { Check } from '../../shared/check.ts'
import { startListener, type TestListener } from '../server/input/forward/harness.ts'
import { startReceiver } from './forwarder/receiver.ts'
import { blackHole } from './proxy.ts'

const NO_KEY = { kind: 'none' } as const

async function listen(...keys: string[]): Promise<TestListener> {
  const listener = await startListener({ sharedKeys: () => keys })
  onTestFinished(() => listener.close(100))
  return listener
}

async function probed(port: number, options: Partial<ProbeOptions> = {}): Promise<Check[]> {
  const server = { host: '127.0.0.1', port }
  const checks: Check[] = []
  const probing = probe({ server, sharedKeys: NO_KEY, ...options }, new AbortController().signal)
  for await (const check of probing) checks.push(check)
  return checks
}
const states = (checks: readonly Check[]) => checks.map(({ name, state }) => `${name} ${state}`)

describe('probe', () => {
  it('goes all the way to an acked chunk, of which nothing is stored, and counts as no agent', async () => {
    const listener = await listen('secret')
    const agent = vi.spyOn(listener.ingest, 'agent')
    const checks = await probed(listener.port, { sharedKeys: { kind: 'text', text: 'old\nsecret' } })
    expect(states(checks)).toEqual(['name ok', 'tcp ok', 'handshake ok', 'version ok', 'chunk ok'])
    expect(listener.ingest.stored).toEqual([])
    expect(listener.ingest.batches).toEqual([])
    expect(agent).not.toHaveBeenCalled()
    expect(listener.metrics.reasons).toEqual({ login: 1 })
  })

  it('tells another receiver from our server', async () => {
    const receiver = await startReceiver({ store: undefined })
    expect(states(await probed(receiver.port))).toEqual([
      ...['name ok', 'tcp ok', 'handshake ok'],
      ...['version skipped', 'chunk ok'],
    ])
  })

  it('ends at a name that is not known', async () => {
    const server = { host: 'nowhere.invalid', port: 1 }
    const checks = await probed(1, { server })
    expect(states(checks)).toEqual(['name failed'])
    expect(checks[0]?.text).toContain('check --server')
  })

  it('ends at a closed port', async () => {
    const checks = await probed(1)
    expect(states(checks)).toEqual(['name ok', 'tcp failed'])
    expect(checks[1]).toMatchObject({ text: expect.stringContaining('ECONNREFUSED'), remedy: expect.any(String) })
  })

  it('ends at TLS that the server does not speak', async () => {
    const listener = await listen()
    const checks = await probed(listener.port, { server: { host: '127.0.0.1', port: listener.port, tls: {} } })
    expect(states(checks)).toEqual(['name ok', 'tcp ok', 'tls failed'])
    expect(checks[2]?.remedy).toContain('--tls-cert')
  })

  it.each([
    ['the wrong key', { kind: 'text', text: 'wrong' } as const, 'the shared keys differ'],
    ['no key', NO_KEY, 'wants a shared key'],
  ])('ends at %s', async (_what, sharedKeys, text) => {
    const listener = await listen('secret')
    const checks = await probed(listener.port, { sharedKeys })
    expect(states(checks)).toEqual(['name ok', 'tcp ok', 'handshake failed'])
    expect(checks[2]?.text).toContain(text)
  })

  it('finds a path that loses what is large', async () => {
    const port = await blackHole((await listen('secret')).port, 1400)
    const checks = await probed(port, { sharedKeys: { kind: 'text', text: 'secret' }, chunkTimeoutMs: 500 })
    expect(states(checks).slice(2)).toEqual(['handshake ok', 'version ok', 'chunk failed'])
    expect(checks.at(-1)).toMatchObject({
      text: 'a chunk of 1 MiB did not get through in 0.5 s',
      remedy: expect.stringContaining('MTU'),
    })
  })

  it('finds a receiver that hangs up on what is large', async () => {
    const listener = await listen()
    const server = createServer((near) => {
      near.on('error', () => undefined)
      const far = connect(listener.port, '127.0.0.1')
      far.pipe(near)
      near.on('data', (bytes) => (bytes.length > 1400 ? near.resetAndDestroy() : far.write(bytes)))
      near.on('close', () => far.destroy())
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const checks = await probed((server.address() as AddressInfo).port)
    expect(states(checks).at(-1)).toBe('chunk failed')
  })
})
