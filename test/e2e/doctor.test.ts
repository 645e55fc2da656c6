import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ApiStatus } from '../../shared/api/status.ts'
import type { Check } from '../../shared/check.ts'
import { blackHole } from '../agent/proxy.ts'
import { type Cli, runCli, startCli } from '../cli/scripted.ts'
import { type Engine, startEngine } from '../lab/engine.ts'

/** Prints a line every so often, as long as it runs. */
const PRINTING = ['lab/busybox:1', 'sh', '-c', 'while :; do echo a line; sleep 0.2; done']

describe('status and doctor, of up on a real engine', () => {
  let engine: Engine
  let folder: string
  let cli: Cli
  let url: string
  let forward: string

  beforeAll(async () => {
    engine = await startEngine({ name: 'lonely' })
    folder = await mkdtemp(join(tmpdir(), 'swarmlogs-doctor-'))
    await writeFile(join(folder, 'key'), 'secret\n')
    await writeFile(join(folder, 'bad'), 'wrong\n')
    const rotated = ['--log-opt', 'max-size=10m', '--log-opt', 'max-file=3']
    await run('rotated', ...rotated)
    await run('endless')
    await run('none', '--log-driver', 'none')
    const listen = ['--listen', '127.0.0.1:0', '--forward', '127.0.0.1:0', '--shared-key-file', join(folder, 'key')]
    cli = startCli(['up', '--data', join(folder, 'data'), '--docker', engine.host, ...listen])
    await cli.until('swarmlogs up ready')
    ;[, url = '', forward = ''] = /ready: (\S+) forward (\S+)/.exec(cli.stdout()) ?? []
  })
  afterAll(async () => {
    cli?.child.kill('SIGKILL')
    await cli?.ended
    await engine?.stop()
    if (folder) await rm(folder, { recursive: true })
  })

  const run = (name: string, ...flags: string[]) =>
    engine.docker(['run', '-d', '--name', name, '--network', 'none', ...flags, ...PRINTING])

  const status = async (): Promise<ApiStatus> =>
    JSON.parse((await runCli(['status', '--url', url, '-o', 'json'])).stdout)

  /** What is not ok, by part and name, with what was found. */
  async function doctor(server: string, key = 'key'): Promise<{ code: number | null; wrong: Record<string, string> }> {
    const more = ['--server', server, '--shared-key-file', join(folder, key), '--docker', engine.host]
    const { code, stdout } = await runCli(['doctor', '--url', url, '-o', 'json', ...more])
    const { checks }: { checks: Check[] } = JSON.parse(stdout)
    const wrong = checks.filter(({ state }) => state !== 'ok')
    return { code, wrong: Object.fromEntries(wrong.map((one) => [`${one.state} ${one.part} ${one.name}`, one.text])) }
  }

  it('status tells of the node, its agent and what cannot be read', async () => {
    await expect.poll(async () => (await status()).nodes[0]?.agent?.following, { timeout: 30_000 }).toBe(2)
    await expect
      .poll(async () => (await status()).nodes[0]?.agent?.lag_ms ?? 1e9, { timeout: 30_000 })
      .toBeLessThan(15_000)
    const { nodes, unreadable, unrotated, verdict, store } = await status()
    expect(store).toMatchObject({ free_bytes: expect.any(Number), max_bytes: expect.any(Number) })
    expect(nodes).toMatchObject([
      { name: 'lonely', state: 'alone', agent: { connected: true, ahead_ms: expect.any(Number) } },
    ])
    expect(verdict).toBe('partial')
    expect(unreadable.named).toMatchObject([{ 'service.name': 'none', detail: 'none' }])
    expect(unrotated.named).toMatchObject([{ 'service.name': 'endless' }])
    const { code, stdout } = await runCli(['status', '--url', url, '--check'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/^lonely +alone /m)
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(metrics).toMatch(/^swarmlogs_agent_connected\{node="lonely",node_id="[^"]+"\} 1$/m)
  })

  it('doctor gets a chunk through, and finds only what is wrong with the containers', async () => {
    const before = (await status()).store.records
    const { code, wrong } = await doctor(forward)
    expect(Object.keys(wrong).filter((name) => !name.includes(' gaps'))).toEqual([
      ...['warning docker drivers', 'warning docker rotation'],
      ...['warning cluster unreadable', 'warning cluster unrotated'],
    ])
    expect(wrong['warning docker drivers']).toContain('none (none)')
    expect(wrong['warning docker rotation']).toMatch(/^never rotated .* endless \(.* a day, max-size=10m max-file=3\)$/)
    expect(code).toBe(3)
    expect((await status()).nodes.map(({ name }) => name)).toEqual(['lonely'])
    expect((await status()).store.records).toBeGreaterThanOrEqual(before)
  })

  it('doctor finds a wrong key, a closed port and a path that loses large packets', async () => {
    const bad = await doctor(forward, 'bad')
    expect(bad.code).toBe(1)
    expect(bad.wrong['failed forward handshake']).toContain('the shared keys differ')
    expect((await doctor('127.0.0.1:1')).wrong['failed forward tcp']).toContain('ECONNREFUSED')
    const hole = await blackHole(Number(forward.split(':')[1]), 1400)
    expect((await doctor(`127.0.0.1:${hole}`)).wrong['failed forward chunk']).toContain('did not get through')
  })

  it('doctor finds an engine that is gone', async () => {
    await engine.kill()
    const { wrong } = await doctor(forward)
    expect(wrong['failed docker socket']).toMatch(/ECONNREFUSED|ENOENT/)
    await engine.start()
  })
})
