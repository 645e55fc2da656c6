import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attempt } from '../lab/run.ts'
import { type Answer, json, runCli, ScriptedServer } from './scripted.ts'

const server = new ScriptedServer()
beforeAll(() => server.start())
afterAll(() => server.stop())

const answer: Answer = (response, request) => {
  const { pathname } = new URL(request.url ?? '', server.url)
  const services = [
    { name: 'shop_web', stack: 'shop' },
    { name: 'api$(reboot)', stack: '' },
  ]
  const fields = ['service', 'user.id', 'status', 'a b'].map((name) => ({ name }))
  const answers: Record<string, unknown> = {
    services: { services },
    nodes: { nodes: [{ name: 'node1' }] },
    fields: { fields },
  }
  json(200, answers[pathname.replace('/api/v1/', '')])(response, request)
}

const words = async (...args: string[]) => {
  server.script(answer)
  const { stdout } = await runCli(['complete', '--', ...args], { SWARMLOGS_URL: server.url })
  return stdout.split('\n').flatMap((line) => (line === '' || line.startsWith(':') ? [] : [line.split('\t')[0]]))
}

describe('complete', () => {
  it.each([
    [['se'], ['search', 'services', 'serve', 'server']],
    [['tail', ''], ['shop_web']],
    [['tail', '--level', 'e'], ['error']],
    [['search', '--stack', ''], ['shop']],
    [
      ['tail', '--no'],
      ['--no-notes', '--node', '--no-resolve', '--no-task-ids', '--no-trunc'],
    ],
    [['tail', '-f', '--node', 'n'], ['node1']],
    [['nothing', ''], []],
    [['archive', 're'], ['release']],
    [
      ['incident', ''],
      ['save', 'verify', 'diff'],
    ],
    [['store', 'b'], ['backup']],
    [
      ['values', 's'],
      ['service', 'status'],
    ],
    [['values', 'status', 's'], ['shop_web']],
    [['histogram', '--by', 'u'], ['user.id']],
    [['stats', 'ms', '--by', 'u'], ['user.id']],
    [['top', '--sort', 'b'], ['bytes']],
    [
      ['context', '--within', 's'],
      ['service', 'stream'],
    ],
  ])('knows what may follow %j', async (before, after) => {
    expect(await words(...before)).toEqual(after)
  })

  it('gives what a server that is away cannot', async () => {
    const { stdout, stderr } = await runCli(['complete', '--', 'tail', '--level', 'f'], {
      SWARMLOGS_URL: 'http://127.0.0.1:1',
    })
    expect({ stdout, stderr }).toEqual({ stdout: 'fatal\t\n:4\n', stderr: '' })
  })

  it('asks for fields only where one is wanted, and offers labels where an older server has none', async () => {
    await words('tail', '')
    expect(server.requests.map(({ url }) => url.pathname)).not.toContain('/api/v1/fields')
    const older: Answer = (response, request) =>
      (request.url?.includes('fields') ? json(404, {}) : answer)(response, request)
    server.script(older)
    const { stdout } = await runCli(['complete', '--', 'values', 'im'], { SWARMLOGS_URL: server.url })
    expect(stdout).toContain('image\t')
  })

  it.each(['bash', 'zsh', 'fish', 'powershell'])('prints a script for %s', async (shell) => {
    const { code, stdout } = await runCli(['complete', shell])
    expect(code).toBe(0)
    expect(stdout).toMatch(/swarmlogs complete '?--/)
    if (shell === 'bash') expect((await attempt('bash', ['-n', '-c', stdout])).code).toBe(0)
  })
})
