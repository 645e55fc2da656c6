import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseDays, readDays } from '../../cli/commands/archive/days.ts'
import { formatTime } from '../../shared/time.ts'
import { ArchiveScene } from '../server/archive/scene.ts'
import { SINCE } from '../server/bundle/scene.ts'
import { serve, type TestServer } from '../server/serve.ts'
import { DAY, linesOf, NOON, WEB } from '../server/store/records.ts'
import { runCli } from './scripted.ts'

const day = (ago: number) => new Date(Number((NOON - BigInt(ago) * DAY) / 1_000_000n)).toISOString().slice(0, 10)

let scene: ArchiveScene
let server: TestServer
let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'swarmlogs-days-'))
  scene = await ArchiveScene.open(
    [0, 1, 2].flatMap((ago) => linesOf(WEB, 10 + ago, { time: NOON - BigInt(ago) * DAY })),
  )
  server = await serve({ store: scene.store })
})
afterAll(async () => {
  await server.close()
  await scene.close()
  await rm(dir, { recursive: true, force: true })
})

const cli = (...args: string[]) => runCli(args, { SWARMLOGS_URL: server.url })
const archive = (...args: string[]) => cli('archive', ...args)

describe('archive', { timeout: 60_000 }, () => {
  it('lists, and verifies', async () => {
    const [list, json, verified, none] = await Promise.all([
      archive('ls'),
      archive('ls', '-o', 'json'),
      archive('verify', `${day(1)}..${day(0)}`),
      archive('verify', '2020-01-01'),
    ])
    expect(list).toMatchObject({ code: 0, stderr: '' })
    expect(list.stdout.split('\n').map((line) => line.split(/ {3,}/).slice(0, 4))).toEqual([
      ['DAY', 'LINES', 'FIRST', 'LAST'],
      ...[2, 1, 0].map((ago) => [day(ago), String(10 + ago), '12:00:00', '12:00:00']),
      [''],
    ])
    expect(JSON.parse(json.stdout).days).toHaveLength(3)
    expect(verified).toMatchObject({
      ...{ code: 0, stderr: '' },
      stdout: `${day(1)}: 11 lines, all as it was sealed\n${day(0)}: 10 lines, all as it was sealed\n`,
    })
    expect(none).toMatchObject({ code: 1, stderr: 'error: cannot verify 2020-01-01: it is not archived\n' })
  })

  it('fetches days, passes over what is there whole, and finds what is not', async () => {
    const folder = join(dir, `${day(0)}.1`)
    const lines = join(folder, 'lines-00001.parquet')
    expect(await archive('fetch', day(0), '-o', dir)).toMatchObject({
      ...{ code: 0, stderr: '' },
      stdout: expect.stringMatching(new RegExp(`^fetched ${folder}: 10 lines, 3 files, .* KiB\n$`)),
    })
    expect((await readdir(folder)).sort()).toEqual(['lines-00001.parquet', 'manifest.json', 'words'])
    const before = await stat(lines)
    await rm(join(folder, 'words'))
    await rm(join(folder, 'manifest.json'))
    expect((await archive('fetch', day(0), '-o', dir)).stdout).toContain(', 1 of them were there\n')
    expect((await stat(lines)).ino).toBe(before.ino)
    const content = await readFile(lines)
    content[100] = (content[100] ?? 0) ^ 1
    await writeFile(lines, content)
    const [list, verified] = await Promise.all([archive('ls', '--dir', dir), archive('verify', '--dir', dir)])
    expect(list.stdout).toContain(day(0))
    expect(verified.code).toBe(1)
    expect(verified.stdout).toContain(
      `${day(0)}.1/lines-00001.parquet: its SHA-256 is not that of the manifest; 10 lines are lost\n`,
    )
    expect(verified.stderr).toContain('error: cannot trust all of the archive: 1 file of it is damaged')
    // Mended by fetching it again.
    expect((await archive('fetch', day(0), '-o', dir)).code).toBe(0)
    expect((await archive('verify', '--dir', dir)).code).toBe(0)
  })

  it('leaves nothing that looks whole when what it fetches is damaged', async () => {
    await scene.flip(`${day(1)}.1`, 'lines-00001.parquet')
    const failed = await archive('fetch', day(1), '-o', dir)
    await scene.flip(`${day(1)}.1`, 'lines-00001.parquet')
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot fetch') })
    expect(await readdir(join(dir, `${day(1)}.1`))).toEqual([])
  })

  it('keeps days, also those of an incident, and deletes what is not kept', async () => {
    const range = ['--since', formatTime(SINCE), '--until', formatTime(SINCE + DAY)]
    const bundle = join(dir, 'a.slog')
    expect((await cli('incident', 'save', 'the case', ...range, '-o', bundle)).code).toBe(0)
    expect((await archive('keep', bundle)).stdout).toBe(`2 days on hold: ${day(0)} to ${day(-1)}\n`)
    expect((await archive('keep', day(2), '--reason', 'case 4711')).code).toBe(0)
    const { stdout } = await archive('ls')
    expect(stdout).toMatch(new RegExp(`${day(0)} .*incident the case\n${day(-1)} +- .*incident the case\n`))
    const [kept, unsure] = await Promise.all([archive('rm', day(2), '--yes'), archive('rm', day(1))])
    expect(kept).toMatchObject({ code: 2, stderr: expect.stringContaining('it is kept (case 4711); release it first') })
    expect(unsure).toMatchObject({ code: 2, stderr: expect.stringMatching(/cannot delete 1 day with 11 lines.*--yes/) })
    expect((await archive('release', day(2))).stdout).toBe(`1 day released: ${day(2)}\n`)
    expect((await archive('rm', `${day(2)}..${day(1)}`, '--yes')).stdout).toMatch(/^deleted 2 days with 23 lines, /)
    expect(await archive('release', day(2))).toMatchObject({
      code: 1,
      stderr: `error: cannot release ${day(2)}: it is not kept\n`,
    })
  })

  it('says what is wrong', async () => {
    const outcomes = await Promise.all([
      archive('burn'),
      archive('fetch'),
      archive('verify', 'yesterday'),
      archive('ls', '--dir', join(dir, 'nothing')),
      archive('keep', join(dir, 'no.slog')),
    ])
    expect(outcomes.map(({ code, stderr }) => [code, stderr])).toEqual([
      [2, "error: cannot do 'burn' to the archive: give ls, verify, fetch, keep, release, rm\n"],
      [2, 'error: cannot fetch nothing: give days\n'],
      [2, "error: cannot use 'yesterday' for a day: give 2026-11-19, or FROM..TO\n"],
      [2, expect.stringContaining('cannot read the archive in')],
      [2, expect.stringContaining('cannot open the bundle')],
    ])
  })
})

describe('days', () => {
  it.each([
    ['2026-02-27..2026-03-01', ['2026-02-27', '2026-02-28', '2026-03-01']],
    ['2026-11-19', ['2026-11-19']],
    ['2026-02-30', undefined],
    ['2026-11-19..', undefined],
    ['2026-11-19..2026-11-20..2026-11-21', undefined],
    ['x.slog', undefined],
  ])('%s', (text, days) => {
    expect(parseDays(text)).toEqual(days)
  })

  it('are named once, in their order', () => {
    expect(readDays(['2026-11-20', '2026-11-19..2026-11-20'])).toEqual(['2026-11-19', '2026-11-20'])
    expect(() => readDays(['2026-11-20..2026-11-19'])).toThrow('it ends before it begins')
    expect(() => readDays(['1000-11-20..2026-11-19'])).toThrow('at most 10000 days')
  })
})
