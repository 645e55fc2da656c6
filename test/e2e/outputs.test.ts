import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serve, type TestServer } from '../server/serve.ts'
import type { StoreUnderTest } from '../server/store/contract.ts'
import { recordOf, SECOND, streamOf } from '../server/store/records.ts'
import { STORES } from '../server/stores.ts'
import { type Screen, Tmux } from './screen.ts'

/** What would act on a terminal: clipboard, title, cleared and other screens, DCS, C1, bidi, colours without an end. */
const ACTING = [
  '\x1b]52;c;aGk=\x07',
  '\x1b]0;owned\x07',
  '\x1b[2J\x1b[H',
  '\x1b[?1049h',
  '\x1bPq#0\x1b\\',
  '\x9b2J',
  '\x1b[?1003h',
  '\u202etxet',
  'over\rwrite',
  '\x1b[41munclosed',
]
const EVIL = ACTING.join(' ')
const SINCE = '--since 2h'

let under: StoreUnderTest
let server: TestServer
let tmux: Tmux
let cursor: string

beforeAll(async () => {
  const [, open] = STORES[1] ?? []
  if (open === undefined) throw new Error('BUG: there is no embedded store')
  under = await open()
  server = await serve({ store: under.store })
  tmux = await Tmux.start()
  const time = BigInt(Date.now()) * 1_000_000n - 60n * SECOND
  const evil = streamOf('evil', { service: `evil ${EVIL}`, nodeName: `node ${EVIL}`, containerName: EVIL, taskId: '' })
  const fields = JSON.stringify({ status: EVIL, [`name ${EVIL}`]: 1 })
  await server.context.ingestor.records([
    ...ACTING.map((text, index) => {
      return recordOf(evil, { time: time + BigInt(index), message: `evil ${text}`, level: 'error', fields })
    }),
    recordOf(evil, { time: time + 100n, message: `evil ${EVIL}`, fields }),
    recordOf(evil, { time: time + 200n, message: 'the end', fields }),
  ])
  const page = await fetch(`${server.url}/api/v1/search?q=${encodeURIComponent('"the end"')}&limit=1`)
  const { records } = (await page.json()) as { records: { cursor: string }[] }
  cursor = records[0]?.cursor ?? ''
})
afterAll(async () => {
  await tmux.stop()
  await server.close()
  await under.destroy()
})

async function open(args: string, size: readonly [number, number]): Promise<Screen> {
  await tmux.call('set-buffer', 'mine')
  return tmux.open(args, size, `SWARMLOGS_URL=${server.url}`)
}

/** The terminal is what it was, and whatever came first is still in sight. */
async function unmoved(screen: Screen): Promise<void> {
  expect(await tmux.call('show-buffer')).toBe('mine')
  expect(await screen.tell('pane_title')).not.toContain('owned')
  const flags = ['alternate_on', 'mouse_any_flag', 'mouse_all_flag', 'insert_flag', 'origin_flag']
  for (const flag of flags) expect([flag, await screen.tell(flag)]).toEqual([flag, '0'])
}

const FORMS = [
  ['tail', `tail ${SINCE}`],
  ['a template', `tail ${SINCE} -o '{{.Service}} {{.Node}} {{.Message}} {{.Level}}'`],
  ['a template of fields', `tail ${SINCE} -o '{{.Fields.status}} {{json .}}'`],
  ['csv', `tail ${SINCE} -o csv`],
  ['logfmt', `tail ${SINCE} -o logfmt`],
  ['json', `tail ${SINCE} -o json`],
  ['lines around', `tail ${SINCE} --context 2 -i write`],
  ['highlights', `tail ${SINCE} -H evil -H '\\d+' --color always`],
  ['context', () => `context ${cursor} --before 20`],
  ['context as csv', () => `context ${cursor} --before 20 -o csv`],
  ['patterns', `patterns ${SINCE}`],
  ['top', 'top --once --window 1h'],
  ['a histogram', `histogram ${SINCE} --by service`],
  ['a histogram by a field', `histogram ${SINCE} --by status`],
  ['values', `values status ${SINCE}`],
  ['fields', `fields ${SINCE}`],
  ['services', 'services'],
  ['nodes', 'nodes'],
] as const

describe.each([
  ['200x50', [200, 50]],
  ['40x60', [40, 60]],
] as const)('on a terminal of %s nothing of a line is obeyed', (_, size) => {
  it.each(FORMS)('by %s', async (_, command) => {
    const screen = await open(typeof command === 'string' ? command : command(), size)
    await screen.shows('exit code 0')
    await unmoved(screen)
    // All that was printed, what scrolled away included.
    const text = await screen.text('-S', '-', '-J')
    expect(text.startsWith('before\n')).toBe(true)
    expect(text).toMatch(/\^\[|\\u001b|evil/)
    expect((await screen.text('-e')).split('\n').at(-1)).toMatch(/^(\x1b\[[0-9;]*m)*exit code 0$/)
    await screen.close()
  })
})

describe('top on a terminal', () => {
  it('is live, waits for a server that is away, and leaves the terminal as it was', async () => {
    const port = Number(new URL(server.url).port)
    const screen = await open('top --window 1h', [80, 24])
    const shown = await screen.shows('SERVICE')
    expect(shown).toMatch(/evil .* 12 .* B$/m)
    expect(await screen.tell('alternate_on')).toBe('1')
    await server.close()
    expect(await screen.shows('-- cannot count now')).toContain('SERVICE')
    server = await serve({ store: under.store, port })
    await screen.hides('-- cannot count now')
    await screen.press('C-c')
    expect(await screen.shows('exit code')).toMatch(/^before\nexit code 130$/)
    await unmoved(screen)
    await screen.close()
  })
})

describe('the UI on a narrow terminal', () => {
  it('shows lines, patterns, fields and surroundings, and obeys none', async () => {
    const screen = await open('ui', [40, 8])
    await screen.shows('the end')
    for (const [keys, shown] of [
      [['p'], 'Patterns'],
      [['Escape', 's'], 'Services'],
      [['Escape', 'Space', 'Enter'], '@timestamp'],
      [['End'], 'name'],
      [['Escape', 'x'], 'the end'],
      [['w'], 'the end'],
      [['?'], 'a line'],
    ] as const) {
      await screen.press(...keys)
      expect((await screen.shows(shown)).split('\n').length).toBeLessThanOrEqual(8)
      expect(await tmux.call('show-buffer')).toBe('mine')
    }
    await screen.press('Escape', 'q')
    await screen.shows('exit code 0')
    await unmoved(screen)
    await screen.close()
  })
})
