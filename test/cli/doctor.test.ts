import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Check } from '../../shared/check.ts'
import { type Answer, json, runCli, ScriptedServer } from './scripted.ts'
import { nodeOf, statusOf } from './status.ts'

const server = new ScriptedServer()
beforeAll(() => server.start())
afterAll(() => server.stop())

/** An engine that is not there stands for none, so that this machine's is not asked. */
const doctor = (url: string, ...args: string[]) =>
  runCli(['doctor', '--url', url, '--docker', 'tcp://127.0.0.1:1', ...args])
const withoutDocker = (stdout: string) => stdout.split('\n').filter((line) => line !== '' && !/ docker /.test(line))
const alive = json(200, { status: 'ok' })
const now = (status = statusOf()): Answer => {
  return (response, request) => json(200, { ...status, time: new Date().toISOString() })(response, request)
}
const streams = json(200, { streams: [] })

describe('doctor', () => {
  it('says a line for each check, part by part', async () => {
    server.script(alive, now(), streams)
    const { stdout, stderr } = await doctor(server.url)
    expect(stderr).toBe('')
    const parts = withoutDocker(stdout).map((line) => line.split(/\s+/).slice(0, 2).join(' '))
    expect(parts).toEqual([...Array(6).fill('ok server'), 'skipped forward', ...Array(8).fill('ok cluster')])
    expect(server.requests.map(({ url }) => url.pathname)).toEqual(['/livez', '/api/v1/status', '/api/v1/streams'])
  })

  it('asks no further where a step fails, and says what to do', async () => {
    const closed = await doctor('http://127.0.0.1:1')
    expect(closed.code).toBe(1)
    expect(withoutDocker(closed.stdout)[1]).toMatch(
      /^failed {3}server {3}cannot reach 127.0.0.1:1: .*; is the server up/,
    )
    expect(withoutDocker(closed.stdout).at(-1)).toMatch(/^skipped {2}cluster/)
    server.script(alive, json(401, {}))
    expect((await doctor(server.url)).stdout).toMatch(/failed {3}server .* wants a token; set SWARMLOGS_TOKEN/)
    server.script(json(404, {}))
    expect((await doctor(server.url)).stdout).toMatch(/failed {3}server .* is it a swarmlogs server\?/)
    expect((await doctor('http://nowhere.invalid')).stdout).toMatch(/^failed {3}server .* check --url/)
  })

  it('finds other versions and other clocks', async () => {
    const status = statusOf({ version: '0.0.1' })
    server.script(alive, json(200, { ...status, time: new Date(Date.now() - 5000).toISOString() }), streams)
    const { stdout } = await doctor(server.url)
    expect(stdout).toMatch(/warning {2}server {3}the server is 0.0.1, this program/)
    expect(stdout).toMatch(/warning {2}server {3}its clock is [45]\.\d s behind this machine's/)
  })

  it('tells of an engine that does not answer', async () => {
    server.script(alive, now(), streams)
    const { code, stdout } = await doctor(server.url)
    expect(code).toBe(1)
    expect(stdout).toMatch(/failed {3}docker .*ECONNREFUSED.*is dockerd running/)
  })

  it('prints JSON for scripts', async () => {
    server.script(alive, now(statusOf({ nodes: [nodeOf('node1', { late: 'lagging' })] })), streams)
    const { stdout } = await doctor(server.url, '-o', 'json', '--server', '127.0.0.1:1')
    const answer: { state: string; checks: Check[] } = JSON.parse(stdout)
    expect(answer.state).toBe('failed')
    expect(answer.checks).toContainEqual(expect.objectContaining({ part: 'forward', name: 'tcp', state: 'failed' }))
    expect(answer.checks).toContainEqual(
      expect.objectContaining({ part: 'cluster', name: 'agents', state: 'warning', remedy: expect.any(String) }),
    )
  })

  it('takes no other form', async () => {
    expect(await doctor(server.url, '-o', 'yaml')).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('status', () => {
  const ask = (...args: string[]) => runCli(['status', '--url', server.url, ...args])

  it('exits with 1 when something needs attention, if it is asked to', async () => {
    const partial = statusOf({ nodes: [nodeOf('node1', { late: 'lagging' })] })
    server.script(now())
    expect(await ask('--check')).toMatchObject({ code: 0, stdout: expect.stringContaining('ATTENTION   nothing') })
    server.script(now(partial))
    expect(await ask('--check')).toMatchObject({ code: 1, stdout: expect.stringContaining('1 node behind: node1') })
    expect(await ask()).toMatchObject({ code: 0 })
  })

  it('prints what the server answers with -o json', async () => {
    server.script(json(200, statusOf()))
    expect(await ask('-o', 'json')).toMatchObject({ code: 0, stdout: `${JSON.stringify(statusOf())}\n` })
  })
})
