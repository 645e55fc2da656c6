import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatTime } from '../../shared/time.ts'
import { Scene, SINCE, UNTIL } from '../server/bundle/scene.ts'
import { MemoryStore } from '../server/store/memory.ts'
import { NOON, SECOND } from '../server/store/records.ts'
import { runCli, startCli } from './scripted.ts'

const RANGE = ['--since', formatTime(SINCE), '--until', formatTime(UNTIL)]

let scene: Scene
beforeAll(async () => {
  scene = await Scene.open(new MemoryStore())
  const saved = await cli(['incident', 'save', 'the case', ...RANGE, '-o', scene.path('a.slog')])
  expect(saved).toMatchObject({ code: 0, stderr: '' })
  expect(saved.stdout).toMatch(
    /^saved \S+a\.slog: 80\d lines, 1 gaps, partial, 2.* to 2.*, [\d.]+ KiB, sha256 [0-9a-f]{64}\n$/,
  )
}, 60_000)
afterAll(() => scene.close())

const environment = () => ({ SWARMLOGS_URL: scene.server.url, XDG_CACHE_HOME: scene.path('home') })
const cli = (args: readonly string[]) => runCli(args, environment())
const archived = (args: readonly string[]) => cli(['--archive', scene.path('a.slog'), ...args])

describe('--archive', () => {
  it.each([
    ['tail', 'web', ...RANGE, '-n', 'all', '-t'],
    ['search', 'needle OR level>=warn', ...RANGE, '-o', 'json'],
  ])('%s answers byte for byte as with the server', { timeout: 60_000 }, async (...args) => {
    const [live, file] = await Promise.all([cli(args), archived(args)])
    expect({ code: file.code, stdout: file.stdout }).toEqual({ code: live.code, stdout: live.stdout })
    expect(file.stdout).not.toBe('')
    expect(file.stderr).toContain("a.slog: 'the case', 80")
    expect(file.stderr.split('\n').slice(1).join('\n')).toBe(live.stderr)
  })

  it('runs only commands that read, and asks nobody else', { timeout: 60_000 }, async () => {
    const outcomes = await Promise.all([
      archived(['up']),
      archived(['tail', '--url', 'x']),
      cli(['--archive', '/no/file', 'tail']),
    ])
    expect(outcomes.map(({ code, stderr }) => [code, stderr])).toEqual([
      [2, expect.stringContaining("cannot run 'up' on a bundle: give one of tail, logs,")],
      [2, 'error: cannot use --url with --archive: the bundle answers, no server\n'],
      [2, expect.stringContaining("cannot open the bundle '/no/file': ENOENT")],
    ])
  })
})

describe('note', () => {
  it('is kept by the server, shown to all, listed, and deleted', { timeout: 60_000 }, async () => {
    const at = formatTime(SINCE)
    const made = await cli(['note', at, 'it', 'began', '--by', 'ben'])
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f-]{36}\n$/) })
    const [list, shown] = await Promise.all([
      cli(['note', '--until', formatTime(SINCE + 1n)]),
      cli(['tail', 'web', ...RANGE, '-n', 'all']),
    ])
    expect(list.stdout).toMatch(/^AT .*\n\S+Z +ben +it began +[0-9a-f-]{36}\n$/)
    expect(shown.stderr).toMatch(
      /-- note: ben, .*: it began\n-- note: anna, .*: a moment\n-- note: anna on shop_web\.1, .*: of a line/,
    )
    expect((await cli(['note', '--delete', made.stdout.trim()])).code).toBe(0)
  })
})

describe('serve', () => {
  it('serves the HTTP API until it is told to stop', { timeout: 60_000 }, async () => {
    const running = startCli(['serve', scene.path('a.slog'), '--listen', '127.0.0.1:0'], environment())
    await running.until('swarmlogs serve ready: ')
    const [, url = ''] = /ready: (\S+)/.exec(running.stdout()) ?? []
    const { records } = await (await fetch(`${url}/api/v1/count`)).json()
    expect(records).toBeGreaterThan(800)
    running.child.kill('SIGTERM')
    expect((await running.ended).code).toBe(0)
  })
})

describe('replay', () => {
  it('shows the lines in their order, from a time on', { timeout: 60_000 }, async () => {
    const args = ['shop_web', '--speed', 'max', '--from', formatTime(NOON + SECOND), '-t', '--raw']
    const { code, stdout } = await cli(['replay', scene.path('a.slog'), ...args])
    expect(code).toBe(0)
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.slice(31)),
    ).toEqual(['same 0', 'same 1', 'same 2'])
    expect((await cli(['replay', scene.path('a.slog'), '--speed', 'fast'])).stderr).toContain(
      'give a factor such as 10x',
    )
  })
})

describe('incident', () => {
  it('save says what is wrong, and writes over nothing', { timeout: 60_000 }, async () => {
    const outcomes = await Promise.all([
      cli(['incident', 'save', 'x', ...RANGE, '-o', scene.path('a.slog')]),
      cli(['incident', 'save', 'x', '-o', scene.path('b.slog')]),
      cli(['incident', 'save', 'x', 'level>', '--since', '1h', '-o', scene.path('b.slog')]),
    ])
    expect(outcomes.map(({ code, stderr }) => [code, stderr.split('\n')[0]])).toEqual([
      [2, expect.stringContaining('it is there already; give another -o')],
      [2, expect.stringContaining('cannot save all times at once: say since when')],
      [2, expect.stringContaining('error: cannot ')],
    ])
    expect(existsSync(scene.path('b.slog'))).toBe(false)
  })

  it('save takes a query, and a quarter of an hour around a line', { timeout: 60_000 }, async () => {
    const { records } = await (await scene.server.get(`/api/v1/search?q=needle&limit=1`)).json()
    const path = scene.path('around.slog')
    const saved = await cli(['incident', 'save', 'x', 'level>=warn', '--around', records[0].cursor, '-o', path])
    expect(saved.stdout).toContain(': 301 lines')
  })

  it('verify says that all is well, and what is not', { timeout: 60_000 }, async () => {
    const bytes = await readFile(scene.path('a.slog'))
    const at = bytes.indexOf('README.txt') + 600
    bytes[at] = 0x21
    await writeFile(scene.path('bad.slog'), bytes)
    const [good, bad, other] = await Promise.all([
      cli(['incident', 'verify', scene.path('a.slog')]),
      cli(['incident', 'verify', scene.path('bad.slog')]),
      cli(['incident', 'verify', scene.path('a.slog'), '--sha256', 'abc']),
    ])
    expect(good).toMatchObject({ code: 0, stdout: expect.stringContaining('all of it is as it was saved') })
    expect(bad).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('README.txt: its content is not what was saved'),
    })
    expect(other).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('it is not the bundle with the sha256 abc'),
    })
  })

  it('diff shows the kinds of lines that came and went', { timeout: 60_000 }, async () => {
    const path = scene.path('errors.slog')
    await cli(['incident', 'save', 'x', 'level>=warn', ...RANGE, '-o', path])
    const { code, stdout } = await cli(['incident', 'diff', path, scene.path('a.slog'), '-n', '3'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^CHANGE +IN A +IN B +PATTERN\nnew +0 +500 +GET \/cart <num>\n/)
  })

  it('diff shows the same of two times of the server, and of a bundle', { timeout: 60_000 }, async () => {
    const at = formatTime(NOON)
    const args = ['incident', 'diff', `${formatTime(SINCE)}..${at}`, `${at}..${formatTime(UNTIL)}`, '-n', '3']
    const [live, file, query] = await Promise.all([cli(args), archived(args), archived([...args, 'level>=warn'])])
    expect(live.stdout).toMatch(/^CHANGE +IN A +IN B +PATTERN\n(new|gone) /)
    expect(live.stdout).toMatch(/\nnew +0 +3 +same <num>\n/)
    expect(file.stdout).toBe(live.stdout)
    expect(query.stdout).not.toContain('same')
  })

  it('diff says what it cannot compare', { timeout: 60_000 }, async () => {
    const outcomes = await Promise.all([
      cli(['incident', 'diff', '1h..2h', '3h..2h']),
      cli(['incident', 'diff', scene.path('a.slog'), '3h..2h', 'level>=warn']),
      cli(['incident', 'diff', '3h..2h']),
      archived(['incident', 'save', 'x']),
    ])
    expect(outcomes.map(({ code, stderr }) => [code, stderr.trim()])).toEqual([
      [2, expect.stringContaining('cannot compare 1h..2h: it is empty')],
      [2, expect.stringContaining('cannot choose among the lines of files: compare times of one')],
      [2, expect.stringContaining('give two files, or two times FROM..TO')],
      [2, expect.stringContaining("cannot run 'incident' on a bundle")],
    ])
  })
})
