import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Cli, runCli, startCli } from './scripted.ts'

let folder: string
const running: Cli[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swarmlogs-serve-'))
})
afterEach(async () => {
  for (const { child } of running.splice(0)) child.kill('SIGKILL')
  await rm(folder, { recursive: true })
})

function start(...args: string[]): Cli {
  const cli = startCli(args)
  running.push(cli)
  return cli
}

describe('server', () => {
  const args = () => ['server', '--data', folder, '--listen', '127.0.0.1:0', '--forward', '127.0.0.1:0']

  it('prints one line when it is ready, logs JSON, answers, and ends with 0 at SIGTERM', async () => {
    const cli = start(...args())
    await cli.until(`data ${folder}\n`)
    const [, url = ''] =
      /^swarmlogs server ready: (http:\/\/127\.0\.0\.1:\d+) forward 127\.0\.0\.1:\d+ data .*\n$/.exec(cli.stdout()) ??
      []
    expect(await runCli(['services', '--url', url])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^NAME /) })
    expect(await runCli(['tail', 'web', '-n', '1', '--url', url])).toMatchObject({ code: 1, stdout: '' })
    expect(await runCli(['healthcheck', '--listen', new URL(url).host])).toMatchObject({ code: 0 })
    cli.child.kill('SIGTERM')
    const { code, stdout, stderr } = await cli.ended
    expect({ code, lines: stdout.split('\n').length }).toEqual({ code: 0, lines: 2 })
    for (const line of stderr.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg')
  })

  it('goes on when nobody reads its ready line, and ends with 130 at Ctrl-C', async () => {
    const cli = start(...args())
    cli.child.stdout?.destroy()
    await cli.until('server is ready')
    cli.child.kill('SIGINT')
    expect(await cli.ended).toMatchObject({ code: 130, signal: null })
  })

  it('refuses to listen beyond this machine without secrets', async () => {
    const { code, stdout, stderr } = await runCli(['server', '--data', folder, '--listen', '0.0.0.0:0'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^error: cannot .*--insecure/)
  })
})

describe('agent and up', () => {
  it.each([
    ['agent', ['--spool-size', 'huge'], /cannot .*'huge'/],
    ['agent', ['--backfill', 'long'], /cannot .*'long'/],
    ['up', ['--retention', 'ever'], /cannot .*'ever'/],
    ['up', ['--log-level', 'loud'], /cannot use 'loud' for --log-level/],
  ])('counts a wrong setting of %s as wrong usage: %j', async (command, args, message) => {
    const place = command === 'up' ? ['--data', folder] : ['--state', folder]
    const { code, stdout, stderr } = await runCli([command, ...place, ...args])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
  })
})
