import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, frame, frames, runCli, ScriptedServer } from './scripted.ts'

const server = new ScriptedServer()
beforeAll(() => server.start())
afterAll(() => server.stop())

const ask = (args: readonly string[], env: Record<string, string> = {}) =>
  runCli(args, { SWARMLOGS_URL: server.url, ...env })
const asked = () => server.requests.map(({ url }) => `${url.pathname}${url.search}`)

describe('logs', () => {
  it('prints every byte as it comes, stdout and stderr apart', async () => {
    const odd = Buffer.from([0x00, 0x1b, 0x5b, 0x32, 0x4a, 0xff, 0x0d, 0x0a])
    server.script(frames([frame(1, 'web.1.x@n    | out\n'), frame(2, 'web.1.x@n    | err\n'), frame(1, odd)]))
    const { code, stdout, stderr } = await ask(['logs', 'web'])
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `web.1.x@n    | out\n${odd.toString('latin1')}`,
      stderr: 'web.1.x@n    | err\n',
    })
    expect(asked()).toEqual(['/api/v1/search?target=web'])
    expect(server.requests[0]?.headers.accept).toBe('application/vnd.docker.multiplexed-stream;trailer=completeness')
  })

  it('takes the flags of docker service logs wherever they stand', async () => {
    server.script(frames([]))
    const flags = ['-t', '--details', '--no-resolve', '--no-task-ids', '--no-trunc', '--raw']
    const { code } = await ask(['logs', '-n20', ...flags, 'web.1', '--since', '2026-11-21', '--current'])
    expect(code).toBe(0)
    expect(asked()).toEqual([
      '/api/v1/search?target=web.1&since=2026-11-21&timezone=Europe%2FBerlin&current=true&timestamps=true&details=true' +
        '&raw=true&resolve=false&taskids=false&trunc=false&n=20&per=task',
    ])
  })

  it('asks for a slot, for levels and for regexes as a query', async () => {
    server.script(frames([]))
    const flags = ['--slot', 'web.3', '--level', 'warn', '-i', 'a|b', '-e', '/c', '-H', 'd']
    expect(await ask(['tail', ...flags])).toMatchObject({ code: 0 })
    const params = new URL(asked()[0] ?? '', server.url).searchParams
    expect(params.get('target')).toBe('web.3')
    expect(params.get('q')).toBe('(level>=warn) (/a|b/) (-/\\/c/)')
  })

  it.each([
    [[], 0],
    [['--fail-if-empty'], 4],
  ])('ends as %j wants when there is no line', async (flags, code) => {
    server.script(frames([]))
    expect(await ask(['tail', 'web', ...flags])).toMatchObject({ code, stdout: '' })
  })

  it('says on stderr what a name stands for, and where the store begins', async () => {
    const headers = {
      'swarmlogs-targets': 'shop_web,bl%C3%B6g_web',
      'swarmlogs-begins': '2026-11-20T00:00:00.000000000Z',
    }
    server.script(frames([frame(1, 'x\n')], headers))
    const { stdout, stderr } = await ask(['logs', 'web', '--since', '30d'])
    expect(stdout).toBe('x\n')
    expect(Buffer.from(stderr, 'latin1').toString()).toBe(
      'web: shop_web, blög_web\nthe store begins at 2026-11-20T00:00:00.000000000Z: nothing older is kept\n',
    )
  })

  it('fails after the lines before an error in the middle', async () => {
    server.script(frames([frame(1, 'x\n'), frame(3, 'cannot read the store: disk on fire')]))
    expect(await ask(['logs', 'web'])).toMatchObject({
      code: 1,
      stdout: 'x\n',
      stderr: 'error: cannot read the store: disk on fire\n',
    })
  })

  it('fails when the answer is cut off', async () => {
    const cut: Answer = (response) => {
      response.writeHead(200)
      response.write(frame(1, 'x\n'), () => response.destroy())
    }
    server.script(cut)
    const { code, stdout, stderr } = await ask(['logs', 'web'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'x\n' })
    expect(stderr).toMatch(/^error: cannot show all lines: the connection to .* broke off .*; ask again\n$/)
  })

  it('takes a negative count for all, as docker does', async () => {
    server.script(frames([]))
    expect(await ask(['logs', '-n', '-1', '--no-trunc', 'web'])).toMatchObject({ code: 0, stderr: '' })
    expect(asked()).toEqual(['/api/v1/search?target=web&trunc=false'])
  })

  it('wants a target', async () => {
    expect(await ask(['logs'])).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('tail', () => {
  it('shows the last 100 of everything and says so', async () => {
    server.script(frames([frame(1, 'x\n')]))
    expect(await ask(['tail'])).toMatchObject({
      code: 0,
      stdout: 'x\n',
      stderr: 'the last 100 lines; -n or --since show more\n',
    })
    expect(asked()).toEqual(['/api/v1/search?n=100'])
  })

  it('takes several targets, filters and a count in total', async () => {
    server.script(frames([]))
    const { stderr } = await ask([
      'tail',
      'web',
      'api',
      '-n',
      '5',
      '--node',
      'a',
      '--node',
      'b',
      '--grep',
      'x y',
      '--source',
      'stderr',
    ])
    expect(stderr).toBe('')
    expect(asked()).toEqual(['/api/v1/search?target=web&target=api&node=a&node=b&source=stderr&grep=x+y&n=5'])
  })

  it('prints one record a line with -o json, and not how the answer ended', async () => {
    const lines = ['{"message":"a"}', '{"message":"b"}']
    const pieces = (response: Parameters<Answer>[0]) => {
      response.write(`${lines[0]}\n{"mess`)
      response.write('age":"b"}\n{"end":true,')
      response.end('"cursor":null,"records":2}\n')
    }
    server.script(pieces)
    expect(await ask(['tail', '-n', 'all', '-o', 'json'])).toMatchObject({
      code: 0,
      stdout: `${lines.join('\n')}\n`,
      stderr: '',
    })
    expect(server.requests[0]?.headers.accept).toBe('application/x-ndjson;with=annotations')
  })

  it.each([
    ['{"message":"a"}\n{"error":{"code":"store_unavailable","message":"cannot read it"}}\n', 'error: cannot read it\n'],
    ['{"message":"a"}\n', 'error: cannot show all lines: the answer ended too early; ask again\n'],
  ])('fails when the records end with %j', async (body, expected) => {
    server.script((response) => response.end(body))
    expect(await ask(['tail', '-n', '9', '-o', 'json'])).toMatchObject({ code: 1, stderr: expected })
  })
})

describe('queries', () => {
  it.each([
    [['tail', 'web', 'level>=error', '-n', '1'], '/api/v1/search?target=web&q=level%3E%3Derror&n=1'],
    [['tail', 'a b', 'web', 'x OR y:1', '-n', '1'], '/api/v1/search?target=web&q=%28a+b%29+%28x+OR+y%3A1%29&n=1'],
    [['logs', 'web', 'timeout'], '/api/v1/search?target=web&q=timeout'],
    [['logs', 'web', 'a', 'b:1'], '/api/v1/search?target=web&q=%28a%29+%28b%3A1%29'],
    [['search', 'a', '"b c"', '-n', '1'], '/api/v1/search?q=a+%22b+c%22&n=1'],
    [['search', '--grep', 'a (b', '-n', '1'], '/api/v1/search?grep=a+%28b&n=1'],
  ])('are told from targets: %j', async (args, path) => {
    server.script(frames([]))
    expect(await ask(args)).toMatchObject({ code: 0 })
    expect(asked()).toEqual([path])
  })
})

describe('search', () => {
  it('asks its query of the last hour', async () => {
    server.script(frames([]))
    expect(await ask(['search', 'connection', 'refused', '--service', '*_web'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'the last hour; --since and -n look further back\nno line found\n',
    })
    expect(asked()).toEqual(['/api/v1/search?service=*_web&q=connection+refused&since=1h'])
  })

  it('looks as far back as it is told to', async () => {
    server.script(frames([frame(1, 'x\n')]))
    expect(await ask(['search', 'x', '-n', '3', '--order', 'desc'])).toMatchObject({
      code: 0,
      stdout: 'x\n',
      stderr: '',
    })
    expect(asked()).toEqual(['/api/v1/search?q=x&order=desc&n=3'])
  })
})
