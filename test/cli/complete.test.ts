import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attempt } from '../lab/run.ts'
import { type Answer, json, runCli, ScriptedServer } from './scripted.ts'

const server = new ScriptedServer()
beforeAll(() => server.start())
afterAll(() => server.stop())

const answer: Answer = (response, request) => {
  const isServices = request.url?.startsWith('/api/v1/services') === true
  const services = [
    { name: 'shop_web', stack: 'shop' },
    { name: 'api$(reboot)', stack: '' },
  ]
  json(200, isServices ? { services } : { nodes: [{ name: 'node1' }] })(response, request)
}

const words = async (...args: string[]) => {
  server.script(answer)
  const { stdout } = await runCli(['complete', '--', ...args], { SWARMLOGS_URL: server.url })
  return stdout.split('\n').flatMap((line) => (line === '' || line.startsWith(':') ? [] : [line.split('\t')[0]]))
}

describe('complete', () => {
  it.each([
    [['se'], ['search', 'services', 'server']],
    [['tail', ''], ['shop_web']],
    [['tail', '--level', 'e'], ['error']],
    [['search', '--stack', ''], ['shop']],
    [
      ['tail', '--no'],
      ['--node', '--no-resolve', '--no-task-ids', '--no-trunc'],
    ],
    [['tail', '-f', '--node', 'n'], ['node1']],
    [['nothing', ''], []],
  ])('knows what may follow %j', async (before, after) => {
    expect(await words(...before)).toEqual(after)
  })

  it('gives what a server that is away cannot', async () => {
    const { stdout, stderr } = await runCli(['complete', '--', 'tail', '--level', 'f'], {
      SWARMLOGS_URL: 'http://127.0.0.1:1',
    })
    expect({ stdout, stderr }).toEqual({ stdout: 'fatal\t\n:4\n', stderr: '' })
  })

  it.each(['bash', 'zsh', 'fish', 'powershell'])('prints a script for %s', async (shell) => {
    const { code, stdout } = await runCli(['complete', shell])
    expect(code).toBe(0)
    expect(stdout).toMatch(/swarmlogs complete '?--/)
    if (shell === 'bash') expect((await attempt('bash', ['-n', '-c', stdout])).code).toBe(0)
  })
})
