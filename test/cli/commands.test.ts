import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, json, runCli, ScriptedServer } from './scripted.ts'

const server = new ScriptedServer()
beforeAll(() => server.start())
afterAll(() => server.stop())

const ask = (args: readonly string[], env: Record<string, string> = {}) =>
  runCli(args, { SWARMLOGS_URL: server.url, ...env })
const asked = () => server.requests.map(({ url }) => `${url.pathname}${url.search}`)

describe('services and nodes', () => {
  const service = {
    ...{ name: 'shop_web', id: 'mzzx1ebtv4yvpz5emwwtmf9zr', stack: 'shop', mode: 'replicated', replicas: 3 },
    ...{ image: 'nginx:1.29@sha256:abc', update: 'completed', records: 42, current: true },
  }

  it('pads a table as docker does', async () => {
    const answer: Answer = (response) => {
      response.writeHead(200, { date: 'Sat, 21 Nov 2026 12:00:10 GMT' })
      const gone = {
        ...service,
        name: 'old',
        mode: 'global',
        records: 7,
        current: false,
        last: '2026-11-21T12:00:00.000000000Z',
      }
      response.end(JSON.stringify({ services: [service, gone] }))
    }
    server.script(answer)
    const { code, stdout } = await ask(['services'])
    expect(code).toBe(0)
    expect(stdout.split('\n')).toEqual([
      'NAME       STACK   MODE         REPLICAS   IMAGE        LINES   LAST LINE        STATE',
      'shop_web   shop    replicated   3          nginx:1.29   42                       completed',
      'old        shop    global                  nginx:1.29   7       10 seconds ago   removed',
      '',
    ])
  })

  it('prints JSON as it comes', async () => {
    server.script(json(200, { nodes: [] }))
    expect(await ask(['nodes', '-o', 'json'])).toMatchObject({ code: 0, stdout: '{"nodes":[]}\n' })
    server.script(json(200, { nodes: [] }))
    expect(await ask(['nodes', '-o', 'yaml'])).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('status', () => {
  it('shows refused lines with the reason', async () => {
    const refused = [{ time: new Date().toISOString(), reason: 'too odd', 'service.name': 'shop_web', excerpt: '{' }]
    server.script(json(200, { refused }), json(200, { refused }))
    expect((await ask(['status', '--refused'])).stdout).toMatch(
      /^WHEN +SERVICE +CONTAINER +REASON\n.+shop_web +too odd\n$/,
    )
    expect((await ask(['status', '--refused', '-o', 'json'])).stdout).toBe(`${JSON.stringify({ refused })}\n`)
    expect(asked()).toEqual(['/api/v1/status/refused', '/api/v1/status/refused'])
  })
})

describe('healthcheck', () => {
  const listen = () => ({ SWARMLOGS_LISTEN: new URL(server.url).host.replace('127.0.0.1', '0.0.0.0') })

  it('exits with 0 while the server is alive, with 1 when it is not', async () => {
    server.script(json(200, { status: 'ok' }), json(503, { status: 'unavailable' }))
    expect(await runCli(['healthcheck'], listen())).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(asked()).toEqual(['/livez'])
    expect(await runCli(['healthcheck'], listen())).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('answers 503'),
    })
    expect(await runCli(['healthcheck', '--listen', '127.0.0.1:1'])).toMatchObject({ code: 1 })
  })
})

describe('version', () => {
  it('names this program and the server', async () => {
    server.script(json(200, { version: '9.9.9', api: 'v1', node: '24.0.0', store: { id: 'abc', epoch: 1 }, time: '' }))
    const { code, stdout } = await ask(['version'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^swarmlogs \d+\.\d+\.\d+ \(Node 24.*\)\nserver 9\.9\.9 .*abc\n$/)
  })
})
describe('help', () => {
  it.each([
    'tail',
    'logs',
    'search',
    'services',
    'nodes',
    'up',
    'server',
    'agent',
    'healthcheck',
    'version',
    'store',
    'status',
    'doctor',
    'ui',
  ])('shows three examples of %s', async (command) => {
    const { code, stdout } = await runCli([command, '--help'])
    expect(code).toBe(0)
    const [, examples = ''] = stdout.split('\nExamples:\n')
    expect(examples.match(/swarmlogs|dist\/cli\/main\.js/g)?.length).toBeGreaterThanOrEqual(3)
  })

  it('lists all commands', async () => {
    const { code, stdout } = await runCli([])
    expect(code).toBe(0)
    expect(stdout).toContain('healthcheck')
    expect(await runCli(['help', 'logs'])).toMatchObject({ code: 0, stdout: expect.stringContaining('--no-task-ids') })
    expect(await runCli(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  })
})
