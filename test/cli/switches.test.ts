import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { logs } from '../../cli/commands/logs.ts'
import { plainSwitches } from '../../cli/switches.ts'
import { frames, runCli, ScriptedServer } from './scripted.ts'

describe('plainSwitches', () => {
  it.each([
    ['--details=true -t=1 --raw=T --no-trunc=TRUE', '--details --timestamps --raw --no-trunc'],
    ['--details=false -f=0 --raw=F --no-trunc=False', '--no-details --no-follow --no-raw --trunc'],
    ['-tf=false web', '--timestamps --no-follow web'],
    ['-tf -n5 -n=5 --tail=5 --since=1', '-tf -n5 -n=5 --tail=5 --since=1'],
    ['--since --raw=true -tn --raw=true --raw=true', '--since --raw=true -tn --raw=true --raw'],
    ['--nope=true -x=1 web=true -- --raw=true', '--nope=true -x=1 web=true -- --raw=true'],
  ])('makes %j plain', (given, expected) => {
    expect(plainSwitches(logs, given.split(' '))).toEqual(expected.split(' '))
  })

  it.each(['yes', '', 'tRUE', 'true\nx'])('refuses %j', (value) => {
    const message = `cannot use '${value}' for --details: give true or false`
    expect(() => plainSwitches(logs, [`--details=${value}`])).toThrow(message)
  })
})

describe('switches with a value', () => {
  const server = new ScriptedServer()
  beforeAll(() => server.start())
  afterAll(() => server.stop())
  const ask = (...args: string[]) => runCli(args, { SWARMLOGS_URL: server.url })

  it.each([
    ['--details=true', '&details=true'],
    ['--details=false', ''],
    ['--details --details=false', ''],
    ['--details=false --details', '&details=true'],
    ['--no-trunc=true', '&trunc=false'],
    ['--no-trunc=false --follow=false', ''],
    // A negative count is for commander to read.
    ['-n -1 --raw=true --no-resolve=0 --details=0', '&raw=true'],
    ['-n -1 --no-trunc=true --no-resolve --no-resolve=false', '&trunc=false'],
  ])('logs takes %j', async (flags, expected) => {
    server.script(frames([]))
    expect(await ask('logs', ...flags.split(' '), 'web')).toMatchObject({ code: 0, stderr: '' })
    expect(server.requests.map(({ url }) => url.search)).toEqual([`?target=web${expected}`])
  })

  it('are wrong usage with another value', async () => {
    expect(await ask('logs', '--details=yes', 'web')).toMatchObject({
      code: 2,
      stderr: "error: cannot use 'yes' for --details: give true or false\n",
    })
  })
})
