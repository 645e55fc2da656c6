import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, type Cli, events, frames, json, ScriptedServer, startCli } from './scripted.ts'

let server: ScriptedServer
const running: Cli[] = []

beforeEach(async () => {
  server = new ScriptedServer()
  await server.start()
})
afterEach(async () => {
  for (const { child } of running.splice(0)) child.kill('SIGKILL')
  await server.stop()
})

function tail(...args: string[]): Cli {
  const cli = startCli(args, { SWARMLOGS_URL: server.url })
  running.push(cli)
  return cli
}

let count = 0
const line = (text: string, source = 'stdout') => `id: c${++count}\ndata: ${JSON.stringify({ source, text })}\n\n`
const note = (code: string, message: string) => `event: note\ndata: ${JSON.stringify({ code, message })}\n\n`
const LIVE = 'id: live\nevent: live\ndata: {}\n\n'
const asked = () => server.requests.map(({ url }) => `${url.pathname}${url.search}`)

describe('tail -f', () => {
  it('prints history and what comes, stdout and stderr apart, until Ctrl-C', async () => {
    server.script(events(`: hello\n\n${line('web.1@n    | a')}${line('web.1@n    | b', 'stderr')}${LIVE}${line('é')}`))
    const cli = tail('tail', '-f', 'web', '--since', '10m')
    await cli.until('\xc3\xa9\n')
    cli.child.kill('SIGINT')
    expect(await cli.ended).toMatchObject({
      code: 130,
      stdout: 'web.1@n    | a\n\xc3\xa9\n',
      stderr: 'web.1@n    | b\n',
    })
    expect(asked()).toEqual(['/api/v1/tail?target=web&since=10m&format=text'])
  })

  it.each([
    [[], '+ web.2.lfap0icnqswi@n1\n- web.1.x@n1\n'],
    [['--no-notes'], ''],
  ])('says with %j when tasks come and go', async (flags, said) => {
    const task = (change: string, slot: number, id: string) =>
      `event: task\ndata: ${JSON.stringify({ change, service: 'web', slot, task: id, container: 'c', node: 'n1' })}\n\n`
    const changes = task('comes', 2, 'lfap0icnqswi0z7gzrj9rxw3p') + task('goes', 1, 'x')
    server.script(events(`${LIVE}${changes}${note('until', 'over')}`, true))
    expect(await tail('tail', '-f', '-n', '0', 'web', ...flags).ended).toMatchObject({
      code: 0,
      stdout: '',
      stderr: said,
    })
    const accept = flags.length === 0 ? 'text/event-stream;with=tasks' : 'text/event-stream'
    expect(server.requests[0]?.headers.accept).toBe(accept)
  })

  it.each([
    [['tail', '-f'], 'n=100&format=text'],
    [['tail', '-f', '-n', '0'], 'n=0&format=text'],
    [['tail', '-f', '-n', 'all'], 'since=0&format=text'],
  ])('asks for the history that %j means', async (args, expected) => {
    server.script(events(note('until', 'over'), true))
    expect(await tail(...args).ended).toMatchObject({ code: 0, stdout: '' })
    expect(asked()).toEqual([`/api/v1/tail?${expected}`])
  })

  it('prints records with -o json', async () => {
    server.script(events(`id: a\ndata: {"message":"x"}\n\n${note('until', 'over')}`, true))
    expect(await tail('tail', '-f', '-n', '1', '-o', 'json').ended).toMatchObject({
      code: 0,
      stdout: '{"message":"x"}\n',
      stderr: '',
    })
    expect(asked()).toEqual(['/api/v1/tail?n=1&format=json'])
  })

  it('says that history is only a part, and fails for it with --strict', async () => {
    for (const [flags, code] of [
      [[], 0],
      [['--strict'], 3],
    ] as const) {
      server.script(events(note('stopped', 'not all is here') + note('until', 'over'), true))
      expect(await tail('tail', '-f', '-n', '1', ...flags).ended).toMatchObject({
        code,
        stderr: '-- partial: not all is here\n',
      })
    }
  })

  it('prints the lines of an event without the times that they are ordered by', async () => {
    const [first, second] = ['2026-11-21T12:00:00.000000001Z', '2026-11-21T12:00:00.000000002Z']
    server.script(events(line(`${first} a\n${second}  b`) + note('until', 'over'), true))
    const { stdout } = await tail('tail', '-f', '--events', '--ordered', '-n', '1').ended
    expect(stdout).toBe('a\n b\n')
    expect(asked()).toEqual(['/api/v1/tail?events=true&n=1&format=text&timestamps=true'])
  })

  it('says what it waits for, and goes on waiting', async () => {
    server.script(events(note('waiting', "no service or task 'web' yet: waiting for it; known are api")))
    const cli = tail('tail', '-f', 'web', '-n', '1')
    await cli.until('known are api\n')
    cli.child.kill('SIGINT')
    expect(await cli.ended).toMatchObject({ code: 130, stdout: '' })
  })

  it('goes on where it stopped when the server is restarted, and says so once', async () => {
    const cut: Answer = (response) => {
      response.writeHead(200)
      response.write(`id: first\ndata: {"source":"stdout","text":"a"}\n\nid: sec`, () => response.destroy())
    }
    const away = json(503, { error: { code: 'store_unavailable', message: 'cannot open the store yet' } })
    server.script(cut, away, events(`${line('b')}${note('until', 'over')}`, true))
    const { code, stdout, stderr } = await tail('tail', '-f', '-n', '9').ended
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'a\nb\n' })
    expect(stderr).toBe(
      `the connection to ${server.url} is lost: trying again, and going on where it stopped\nconnected to ${server.url} again\n`,
    )
    expect(server.requests.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 'first', 'first'])
    expect(new Set(asked())).toEqual(new Set(['/api/v1/tail?n=9&format=text']))
  })

  it('waits for a server that is away', async () => {
    server.script(events(LIVE))
    const cli = tail('tail', '-f', '-n', '0')
    while (server.requests.length === 0) await new Promise(setImmediate)
    server.script(events(`${line('back')}${note('until', 'over')}`, true))
    await server.stop()
    await cli.until('is lost')
    await server.start()
    expect(await cli.ended).toMatchObject({ code: 0, stdout: 'back\n' })
    expect(server.requests[0]?.headers['last-event-id']).toBe('live')
  })

  it('says that the server stops, and that it is back', async () => {
    server.script(events(`${LIVE}${note('shutdown', 'x')}`, true), events(`${LIVE}${note('until', 'over')}`, true))
    const { code, stderr } = await tail('tail', '-f', '-n', '0').ended
    expect(code).toBe(0)
    expect(stderr).toBe(
      `the server stops: waiting for it, and going on where it stopped\nconnected to ${server.url} again\n`,
    )
  })

  it('resumes at once when it was too slow', async () => {
    server.script(
      events(`${line('a')}${note('slow', 'x')}`, true),
      events(`${line('b')}${note('until', 'over')}`, true),
    )
    const { stdout, stderr } = await tail('tail', '-f', '-n', '0').ended
    expect(stdout).toBe('a\nb\n')
    expect(stderr).toBe('the reader of this output is slower than the lines: going on where it stopped\n')
    expect(server.requests[1]?.headers['last-event-id']).toBe(`c${count - 1}`)
  })

  it.each([
    [json(401, { error: { code: 'unauthorized', message: 'no' } }), 1, /wants a token/],
    [
      json(400, { error: { code: 'bad_parameter', message: 'cannot read the time', parameter: 'since' } }),
      2,
      /cannot read the time/,
    ],
    [json(503, { error: { code: 'store_unavailable', message: 'cannot open it' } }), 1, /cannot open it/],
  ])('ends when the server refuses at first: %#', async (answer, code, message) => {
    server.script(answer)
    expect(await tail('tail', '-f').ended).toMatchObject({ code, stderr: expect.stringMatching(message) })
  })

  it('says when lines were deleted before it went on, and tells it by its exit code when it is strict', async () => {
    server.script(
      events(`${LIVE}${line('a')}`, true),
      events(`${note('passed', 'lines may be missing')}${LIVE}${note('until', 'over')}`, true),
    )
    const { code, stderr } = await tail('tail', '-f', '-n', '0', '--strict', 'web').ended
    expect([code, stderr]).toEqual([3, expect.stringContaining('-- partial: lines may be missing\n')])
  })

  it('ends with 1 when the server does not take the cursor any more', async () => {
    const refusal = { error: { code: 'bad_parameter', message: 'cannot use this cursor', parameter: 'cursor' } }
    server.script(events(line('a'), true), json(400, refusal))
    const { code, stderr } = await tail('tail', '-f', '-n', '0').ended
    expect(code).toBe(1)
    expect(stderr).toContain('cannot go on where the lines stopped, start again: cannot use this cursor')
  })
})

describe('logs -f', () => {
  it.each([
    [[], 'since=0'],
    [['-n', '5'], 'n=5&per=task'],
    [['--since', '1h'], 'since=1h'],
  ])('asks whether there is such a service, then for the history that %j means', async (args, expected) => {
    server.script(frames([]), events(note('until', 'over'), true))
    expect(await tail('logs', '-f', 'web', ...args).ended).toMatchObject({ code: 0, stdout: '' })
    expect(asked()[0]).toMatch(/^\/api\/v1\/search\?target=web&.*limit=1$/)
    expect(asked().slice(1)).toEqual([`/api/v1/tail?target=web&${expected}&format=text`])
  })

  it('fails with the nearest names for a service that is not there', async () => {
    const message = "cannot find a service or task 'wbe': did you mean web?"
    server.script(json(404, { error: { code: 'no_such_target', message, nearest: ['web'] } }))
    expect(await tail('logs', '-f', 'wbe').ended).toMatchObject({ code: 1, stdout: '', stderr: `error: ${message}\n` })
    expect(server.requests).toHaveLength(1)
  })

  it('does not tell where the store begins when nobody asked for a time', async () => {
    const history = events(`${note('begins', 'the store begins at X')}${note('until', 'over')}`, true)
    server.script(frames([]), history)
    expect((await tail('logs', '-f', 'web').ended).stderr).toBe('')
    server.script(frames([]), history)
    expect((await tail('logs', '-f', 'web', '--since', '9d').ended).stderr).toBe('the store begins at X\n')
  })
})
