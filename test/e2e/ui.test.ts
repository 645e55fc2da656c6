import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serve, type TestServer } from '../server/serve.ts'
import type { StoreUnderTest } from '../server/store/contract.ts'
import { gapOf, NOON, recordOf, SECOND, streamOf } from '../server/store/records.ts'
import { STORES } from '../server/stores.ts'
import { type Screen, Tmux } from './screen.ts'

const WEB = streamOf('web', { nodeName: 'node1' })
const API = streamOf('api', { nodeId: 'node2', nodeName: 'node2', containerId: 'c0ffee' })
const README = new URL('../../README.md', import.meta.url)
const DAY = new Date(Number(NOON / 1_000_000n)).toISOString().slice(0, 10)
const RECEIVED = /(event.received +)\S+/
const SMALL = [80, 24] as const
const LARGE = [200, 50] as const

let folder: string
let under: StoreUnderTest
let server: TestServer
let tmux: Tmux
let screen: Screen
let isHostile = false

const ingest = (...args: Parameters<TestServer['context']['ingestor']['records']>) =>
  server.context.ingestor.records(...args)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swarmlogs-ui-'))
  const [, open] = STORES[1] ?? []
  if (open === undefined) throw new Error('BUG: there is no embedded store')
  under = await open()
  server = await serve({ store: under.store })
  tmux = await Tmux.start()
  await ingest(shop())
})
afterAll(async () => {
  await tmux.stop()
  await server.close()
  await under.destroy()
  await rm(folder, { recursive: true })
})

/** An hour of two services around noon: a line every two seconds, an error every five minutes. */
function shop() {
  return Array.from({ length: 1800 }, (_, index) => {
    const time = NOON - 1800n * SECOND + BigInt(index) * 2n * SECOND
    if (index % 150 === 75) {
      const fields = JSON.stringify({ status: 502, upstream: 'db' })
      return recordOf(API, { time, source: 'stderr', level: 'error', message: `upstream db refused ${index}`, fields })
    }
    const fields = JSON.stringify({ status: 200 })
    return recordOf(WEB, { time, level: 'info', message: `GET /cart/${index} 200`, fields })
  })
}

/** Opens the UI on these arguments. */
async function open(args: string, size: readonly [number, number] = SMALL, env = ''): Promise<Screen> {
  screen = await tmux.open(`ui ${args}`, size, `SWARMLOGS_URL=${server.url} ${env}`)
  return screen
}

/** Opens it at noon, when nothing changes any more. */
async function openAtNoon(size: readonly [number, number] = SMALL, more = ''): Promise<Screen> {
  await open(`'${server.url}/ui?at=${DAY}T12:00:00Z${more}'`, size)
  await screen.shows(/PAST.*1?\d+ lines/)
  return screen
}

/** The cursor of the first line with this text. */
async function cursorOf(text: string): Promise<string> {
  const answer = await fetch(
    `${server.url}/api/v1/search?${new URLSearchParams({ q: JSON.stringify(text), limit: '1' })}`,
  )
  const { records } = (await answer.json()) as { records: { cursor: string }[] }
  return records[0]?.cursor ?? ''
}

async function quit(): Promise<void> {
  await screen.press('q')
  expect(await screen.shows('exit code')).toMatch(/^before\nexit code 0$/)
  expect(await screen.tell('alternate_on')).toBe('0')
  expect(await screen.tell('mouse_standard_flag')).toBe('0')
  await screen.close()
}

// First, while nothing but the shop's lines is there.
describe('the screens in the README', () => {
  it.each([
    ['lines', ['e']],
    ['fields', ['e', 'Enter']],
  ])('%s', async (name, keys) => {
    await openAtNoon()
    await screen.press(...keys)
    // The strip comes when it is counted.
    await screen.shows('█')
    await screen.shows(name === 'lines' ? /^>12:02:30/m : /> @timestamp/)
    const shot = (await screen.text())
      .replaceAll(DAY, '2026-11-21')
      .replace(RECEIVED, '$12026-11-21T12:02:30.217000000Z')
    await screen.press('Escape')
    await quit()
    const begin = `<!-- screen: ${name} -->\n\`\`\`text\n`
    const readme = await readFile(README, 'utf8')
    const start = readme.indexOf(begin) + begin.length
    const end = readme.indexOf('\n```', start)
    // UPDATE_SCREENS=1 writes them anew.
    if (process.env.UPDATE_SCREENS === '1') await writeFile(README, readme.slice(0, start) + shot + readme.slice(end))
    else expect(readme.slice(start, end)).toBe(shot)
  })
})

describe.each([
  ['80x24', SMALL],
  ['200x50', LARGE],
])('the UI at %s', (name, size) => {
  it('follows lines, pauses, and leaves the terminal as it was', async () => {
    await open('', size)
    await screen.shows('LIVE')
    await ingest([recordOf(WEB, { time: BigInt(Date.now()) * 1_000_000n, message: `first at ${name}` })])
    await screen.shows(`first at ${name}`)
    await screen.press('Space')
    await screen.shows('PAUSED')
    await ingest([recordOf(WEB, { time: BigInt(Date.now()) * 1_000_000n, message: `second at ${name}` })])
    await screen.press('G')
    await screen.shows(`second at ${name}`)
    await screen.shows('LIVE')
    expect(await screen.tell('alternate_on')).toBe('1')
    await quit()
  })

  it('folds events under their first lines', async () => {
    await open('', size)
    await screen.shows('LIVE')
    const time = BigInt(Date.now()) * 1_000_000n
    const lines = [`failed at ${name}`, '  at a', '  at b', `fine at ${name}`]
    await ingest(lines.map((message, index) => recordOf(WEB, { time: time + BigInt(index), message })))
    await screen.shows('  at b')
    await screen.press('v')
    await screen.shows(`failed at ${name} (+2 lines)`)
    await screen.shows(`fine at ${name}`)
    expect(await screen.text()).not.toContain('  at b')
    await screen.press('w')
    await screen.shows('  at b')
    await screen.press('Escape')
    await quit()
  })

  it('goes to times, errors and matches, also those that are not in memory', async () => {
    await openAtNoon(size)
    expect(await screen.text()).toContain('>12:00:00.000')
    await screen.press('g')
    await screen.type('11:40')
    await screen.press('Enter')
    await screen.shows('>11:40:00.000')
    await screen.press('g')
    await screen.type('-5m')
    await screen.press('Enter')
    await screen.shows('>11:35:00.000')
    await screen.press('e')
    await screen.shows(/^>11:37:30.000.*refused 225/m)
    await screen.press('e')
    await screen.shows(/^>11:42:30.000.*refused 375/m)
    await screen.press('e')
    await screen.shows(/^>11:47:30.000.*refused 525/m)
    await screen.press('e')
    await screen.shows(/^>11:52:30.000.*refused 675/m)
    await screen.press('E')
    await screen.shows(/^>11:47:30.000.*refused 525/m)
    await screen.press('/')
    await screen.type('cart/1700')
    await screen.press('Enter', 'n')
    await screen.shows(/^>12:26:40.000.*cart\/1700/m)
    await screen.press('n')
    await screen.shows('no match after this one')
    await quit()
  })

  it('takes queries, and says where one is wrong', async () => {
    await openAtNoon(size)
    await screen.press('f')
    await screen.type('level>=error )')
    await screen.press('Enter')
    await screen.shows('unexpected ")" at 14')
    await screen.press('C-u')
    await screen.type('serv')
    await screen.press('Tab')
    await screen.type('shop_a')
    await screen.shows('query: service:shop_a')
    await screen.press('Enter')
    await screen.shows('no line found')
    await screen.press('f', 'C-u')
    await screen.type('level>=error status:502')
    await screen.press('Enter')
    expect(await screen.shows('12 lines')).not.toContain('GET')
    await screen.press('Escape')
    await screen.shows('no line found')
    await screen.press('Escape')
    await screen.shows('GET /cart')
    await quit()
  })

  it('shows all fields, takes lines with a value or without, and comes back', async () => {
    await openAtNoon(size)
    await screen.press('e', 'Enter')
    const shown = await screen.shows('upstream')
    for (const field of ['service.name', 'shop_api', 'host.name', 'status', '502']) expect(shown).toContain(field)
    await screen.press('j', 'j', '+')
    await screen.shows('level:error')
    await screen.shows('12 lines')
    await screen.press('Escape')
    await screen.shows('GET /cart')
    await screen.press('Enter', 'j', 'j', '-')
    await screen.shows('-level:error')
    await screen.press('Escape')
    await screen.press('x')
    await screen.shows('container')
    await quit()
  })

  it('chooses services and nodes by parts of their names, with their rates', async () => {
    await openAtNoon(size)
    await screen.press('s')
    await screen.shows(/shop_web +\d+\.\d\/s/)
    await screen.type('sapi')
    await screen.hides('shop_web  ')
    await screen.press('Enter')
    await screen.shows('12 lines')
    await screen.press('o')
    await screen.shows('node2')
    await screen.type('de1')
    await screen.press('Enter')
    await screen.shows('no line found')
    await quit()
  })

  it('opens at a line, among those of its container, and goes back to all of that time', async () => {
    const cursor = await cursorOf('refused 975')
    screen = await tmux.open(`open ${cursor}`, size, `SWARMLOGS_URL=${server.url}`)
    const shown = await screen.shows(/^>12:02:30.000.*refused 975/m)
    expect(shown).toContain('container c0ffee')
    expect(shown).not.toContain('GET')
    await screen.press('k')
    await screen.shows(/^>11:57:30.000.*refused 825/m)
    await screen.press('Escape')
    await screen.shows(/^>12:02:30.000.*refused 975/m)
    await screen.shows('GET /cart/974')
    await screen.press('x')
    await screen.shows('container c0ffee')
    await screen.hides('GET')
    await quit()
  })

  it('takes a mouse when it is told to, and gives it back', async () => {
    await open(`--mouse '${server.url}/ui?at=${DAY}T12:00:00Z'`, size)
    await screen.shows(/PAST.*1?\d+ lines/)
    expect(await screen.tell('mouse_standard_flag')).toBe('1')
    await screen.type('\x1b[<0;20;5M')
    const text = (await screen.shows(/^>/m)).split('\n')[4]
    await screen.shows(new RegExp(`^>${text?.slice(1, 13)}`, 'm'))
    await screen.type('\x1b[<0;20;5M')
    await screen.shows('> @timestamp')
    await screen.press('Escape')
    const fourth = (await screen.shows(/^>\d\d:/m)).split('\n')[5]?.slice(1, 13) ?? ''
    await screen.type('\x1b[<65;20;5M')
    await expect.poll(async () => (await screen.text()).split('\n')[2]).toContain(fourth)
    await screen.press('m')
    await screen.shows('mouse off')
    expect(await screen.tell('mouse_standard_flag')).toBe('0')
    await screen.press('m')
    await screen.shows('mouse on')
    await quit()
  })

  it('walks and zooms the strip, and goes where it is', async () => {
    await openAtNoon(size)
    await screen.press('h')
    await screen.shows(/\d lines, \d+ errors/)
    await screen.press('Left', 'Left', 'Up', 'Up')
    await screen.press('Enter')
    await screen.shows(/^>12:2\d:\d\d/m)
    await quit()
  })

  it('copies a link that opens the same view, bookmarks, and writes the view to a file', async () => {
    await openAtNoon(size)
    await screen.press('w', '4', 'b', 'y')
    await screen.shows('copied the link')
    const link = await tmux.call('show-buffer')
    expect(link).toContain(`${server.url}/ui?at=${DAY}T12%3A00%3A00.000000000Z`)
    expect(link).toContain('wrap=1')
    await screen.press('B')
    await screen.shows(/Bookmarks(.*\n)+.*cart\/900/)
    await screen.press('Escape', 'X', 'C-u')
    const path = join(folder, `${size[0]}.txt`)
    await screen.type(path)
    await screen.press('Enter')
    await screen.shows(/wrote 600 lines/)
    expect(await readFile(path, 'utf8')).toContain(`${DAY}T12:00:00.000000000Z shop_web.1@node1 | GET /cart/900 200\n`)
    const before = (await screen.text()).split('\n').slice(2, -2)
    await quit()
    await open(`'${link}'`, size)
    await screen.shows('>12:00:00.000')
    expect((await screen.text()).split('\n').slice(2, -2)).toEqual(before.map((row) => row.replace(/^\*/, '>')))
    await quit()
  })

  it('shows patterns and its keys', async () => {
    await openAtNoon(size)
    await screen.press('p')
    await screen.shows(/1788 {2}GET/)
    await screen.press('Escape', '?')
    await screen.shows('choose a service')
    await screen.press('Escape')
    await screen.hides('choose a service')
    await quit()
  })

  it('goes to bookmarks and patterns, and copies a line and a value', async () => {
    await openAtNoon(size)
    await screen.press('b', 'g')
    await screen.type('11:40')
    await screen.press('Enter')
    await screen.shows('>11:40:00.000')
    await screen.press('B')
    await screen.shows('Bookmarks')
    await screen.press('Enter')
    await screen.shows('*12:00:00.000')
    await screen.press('p')
    await screen.shows('upstream')
    await screen.type('upstream')
    await screen.hides('GET')
    await screen.press('Enter')
    await screen.shows(/^>12:27:30.000.*refused 1725/m)
    await screen.press('Y')
    await screen.shows('copied the line')
    expect(await tmux.call('show-buffer')).toBe('upstream db refused 1725')
    await screen.press('Enter', 'j', 'y')
    await screen.shows('copied message')
    await screen.press('Escape')
    await quit()
  })

  it('has columns, colours and long lines as one wants them', async () => {
    await openAtNoon(size)
    await screen.press('1', '2', '3', '4', '5')
    await screen.shows(/^>info +node1 +stdout GET \/cart\/900 200/m)
    await screen.press('1', '2', '3', '4', '5', 'Right')
    await screen.shows(/^>12:00:00.000 shop_web.1 *$/m)
    await screen.press('Left')
    await screen.shows('GET /cart/900 200')
    const rowsIn = async () => (await screen.text('-e')).split('\n').filter((row) => row.includes('refused 975'))
    await screen.press('g')
    await screen.type('12:02:30')
    await screen.press('Enter')
    await screen.shows('>12:02:30')
    await screen.press('c')
    await expect.poll(rowsIn).toEqual([expect.stringMatching(/\x1b\[31m.*refused 975/)])
    await screen.press('c', 'c')
    await expect.poll(rowsIn).toEqual([expect.not.stringContaining('\x1b[3')])
    await quit()
  })

  it('obeys nothing that is in a line', async () => {
    const hostile = [
      '\x1b]52;c;aGk=\x07',
      '\x1b]0;owned\x07',
      '\x1b[2J\x1b[H',
      '\x1bPq#0\x1b\\',
      '\x9b31m',
      '\u202etxet',
    ]
    const steps = [
      '\x1b[31mred',
      'a\u200bb\u200dc',
      `z${'\u0301'.repeat(50)}`,
      'x'.repeat(1_000_000),
      '\u{1f468}\u200d\u{1f469}',
      'tab\tend',
    ]
    const time = NOON + 7200n * SECOND
    const records = [...hostile, ...steps].map((message, index) => {
      return recordOf(WEB, { time: time + BigInt(index), message: `evil ${message}` })
    })
    // Either size may be tested alone; the lines are the same.
    if (!isHostile) await ingest(records)
    isHostile = true
    await tmux.call('set-buffer', 'mine')
    await open(`'${server.url}/ui?at=${DAY}T14:00:00Z'`, size)
    const shown = await screen.shows('evil xxx')
    expect(shown.split('\n')).toHaveLength(size[1])
    expect(shown).toContain('evil ^[]52;c;aGk=^G')
    expect(shown).toContain('evil ^[[2J^[[H')
    expect(shown).toContain('evil \\u202etxet')
    expect(shown).toContain('evil a\\u200bb\\u200dc')
    expect(await screen.tell('pane_title')).not.toContain('owned')
    expect(await tmux.call('show-buffer')).toBe('mine')
    await screen.press('NPage')
    await screen.shows('evil tab        end')
    await screen.press('w', 'NPage', 'PPage')
    await screen.shows('xxx')
    await quit()
  })
})

describe('the terminal is as before', () => {
  it('after a crash', async () => {
    const crash = join(folder, 'crash.mjs')
    await writeFile(crash, "process.on('SIGUSR2', () => { throw new Error('broken on purpose') })")
    await open('--mouse', SMALL, `NODE_OPTIONS=--import=${crash}`)
    await screen.shows('LIVE')
    process.kill(await screen.child(), 'SIGUSR2')
    expect(await screen.shows('exit code')).toMatch(/^before\n(.*\n)+Error: broken on purpose(.*\n)+exit code 1$/)
    expect(await screen.tell('alternate_on')).toBe('0')
    await screen.close()
  })

  it.each([
    ['Ctrl-C', (): Promise<unknown> => screen.press('C-c'), 130],
    ['SIGTERM', async (): Promise<unknown> => process.kill(await screen.child(), 'SIGTERM'), 143],
    ['SIGHUP', async (): Promise<unknown> => process.kill(await screen.child(), 'SIGHUP'), 129],
  ] as const)('after %s', async (_, end, code) => {
    await openAtNoon()
    await screen.press('m')
    await screen.shows('mouse on')
    await end()
    expect(await screen.shows('exit code')).toMatch(new RegExp(`^before\nexit code ${code}$`))
    expect(await screen.tell('alternate_on')).toBe('0')
    expect(await screen.tell('wrap_flag')).toBe('1')
    expect(await screen.tell('cursor_flag')).toBe('1')
    expect(await screen.tell('mouse_standard_flag')).toBe('0')
    await screen.close()
  })

  it('where there is no such line', async () => {
    screen = await tmux.open('open abc', SMALL, `SWARMLOGS_URL=${server.url}`)
    expect(await screen.shows('exit code')).toMatch(/^before\nerror: cannot use [\s\S]*exit code 2$/)
    await screen.close()
  })

  it('where there is no server', async () => {
    screen = await tmux.open('ui', SMALL, 'SWARMLOGS_URL=http://127.0.0.1:1')
    expect(await screen.shows('exit code')).toMatch(/^before\nerror: cannot reach .*\n(.*\n)*exit code 1$/)
    await screen.close()
  })
})

it('waits for a server that is lost, and goes on', async () => {
  const port = new URL(server.url).port
  await open('')
  await screen.shows('LIVE')
  await server.close()
  await screen.shows('LOST')
  server = await serve({ store: under.store, port: Number(port) })
  await screen.hides('LOST')
  await ingest([recordOf(WEB, { time: BigInt(Date.now()) * 1_000_000n, message: 'back again' })])
  await screen.shows('back again')
  await quit()
})

it('keeps gaps and the verdict in sight, works without colour, and on resize', async () => {
  const gap = gapOf(WEB, { from: NOON + 3600n * SECOND, to: NOON + 3610n * SECOND, atLeast: 120 })
  await ingest([recordOf(WEB, { time: NOON + 3620n * SECOND, message: 'after the gap' })], [gap])
  screen = await tmux.open(`ui '${server.url}/ui?at=${DAY}T13:00:20Z'`, SMALL, `NO_COLOR=1`)
  await screen.shows(/1 GAP/)
  expect(await screen.text()).toMatch(/-- shop_web\.1 on node1: [\s\S]* lost, rotated away, at\s+least 120 lines/)
  expect(await screen.text('-e')).not.toContain('\x1b[')
  await screen.resize(120, 40)
  await screen.shows(/1 GAP/)
  await expect.poll(async () => (await screen.text()).split('\n').length).toBe(40)
  await screen.resize(60, 12)
  await expect.poll(async () => (await screen.text()).split('\n').length).toBe(12)
  expect(await screen.text()).toContain('1 GAP')
  await quit()
})
