import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, events, frame, frames, json, ScriptedServer } from '../cli/scripted.ts'
import { run } from '../lab/run.ts'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const server = new ScriptedServer()
let folder: string
let panes = 0

const tmux = (...args: string[]) => run('tmux', ['-S', join(folder, 'tmux'), '-f', '/dev/null', ...args])

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swarmlogs-terminal-'))
  await server.start()
  await tmux('new-session', '-d', '-s', 'keep', '-x', '100', '-y', '24', 'cat')
})
afterAll(async () => {
  await tmux('kill-server')
  await server.stop()
  await rm(folder, { recursive: true })
})

/** Runs a command line of the CLI on a real terminal; `screen` is what it shows at the end, with its colours. */
async function onTerminal(
  args: string,
  options: { env?: string; keys?: string } = {},
): Promise<{ screen: string; title: string }> {
  const name = `pane${++panes}`
  const cli = `env SWARMLOGS_URL=${server.url} ${options.env ?? ''} ${process.execPath} ${MAIN} ${args}`
  const command = `trap : INT; ${cli}; echo "exit code $?"; tmux wait-for -S ${name}; exec cat`
  await tmux('new-session', '-d', '-s', name, '-x', '100', '-y', '24', command)
  if (options.keys !== undefined) {
    await shown(name, 'ready')
    await tmux('send-keys', '-t', name, options.keys)
  }
  await tmux('wait-for', name)
  const screen = await capture(name)
  const title = await tmux('display-message', '-p', '-t', name, '#{pane_title}')
  await tmux('kill-session', '-t', name)
  return { screen, title }
}

const capture = async (name: string) => (await tmux('capture-pane', '-p', '-e', '-t', name)).trimEnd()

async function shown(name: string, text: string): Promise<void> {
  while (!(await capture(name)).includes(text)) await new Promise(setImmediate)
}

const LINE = `id: a\ndata: ${JSON.stringify({ source: 'stdout', text: 'ready' })}\n\n`
const lines = (...texts: string[]) => frames(texts.map((text) => frame(1, `web.1.lfap0icnqswi@node1    | ${text}\n`)))

describe('on a terminal', () => {
  it('colours the prefix and keeps the colours of a line to the line', async () => {
    server.script(lines('plain', '\x1b[31mred', 'plain again\r'))
    const { screen } = await onTerminal('logs web')
    const [first, second, third, last] = screen.split('\n')
    expect(first).toMatch(/^\x1b\[\d+mweb\.1\.lfap0icnqswi@node1 {4}\| \x1b\[(?:0|39)mplain$/)
    expect(second).toMatch(/\x1b\[31mred/)
    expect(third).toContain('plain again')
    expect(third).not.toContain('\x1b[31m')
    expect(last).toBe('exit code 0')
  })

  it('shows what would act on it, and does not obey it', async () => {
    server.script(
      lines(
        '\x1b[2J\x1b[Hcleared',
        '\x1b]0;owned\x07title',
        'over\rwrite',
        '\x1b[?1049hscreen',
        'bell\x07\x9b31m',
        '\u202etxet',
        '\x1bPq#0\x1b\\',
      ),
    )
    const { screen, title } = await onTerminal('logs web', { env: 'NO_COLOR=1' })
    const shownLines = screen.split('\n').map((line) => line.replace(/^web\.1\.lfap0icnqswi@node1 {4}\| /, ''))
    expect(shownLines).toEqual([
      '^[[2J^[[Hcleared',
      '^[]0;owned^Gtitle',
      'over^Mwrite',
      '^[[?1049hscreen',
      'bell^G\\u009b31m',
      '\\u202etxet',
      '^[Pq#0^[\\',
      'exit code 0',
    ])
    expect(title).not.toContain('owned')
  })

  it('tints lines that look like errors, and marks what is highlighted, unless colours are not wanted', async () => {
    const texts = ['ERROR it failed', 'level=warn slow', 'all is well']
    server.script(lines(...texts))
    const { screen } = await onTerminal('logs web -H well -H it')
    const [error, warning, well] = screen.split('\n')
    expect(error).toMatch(/\x1b\[31mERROR \x1b\[7mit/)
    expect(warning).toMatch(/\x1b\[33mlevel=warn slow/)
    expect(well).toMatch(/all is (\x1b\[0m)?\x1b\[7mwell/)
    server.script(lines(...texts))
    const plain = await onTerminal('logs web --color never')
    expect(plain.screen).not.toContain('\x1b')
  })

  it('shows long output through the pager when it is asked to', async () => {
    server.script(lines('one', 'two'))
    const { screen } = await onTerminal('logs web --raw --pager', { env: "PAGER='sed s/^/paged:/'" })
    const prefix = 'paged:web.1.lfap0icnqswi@node1    | '
    expect(screen).toBe(`${prefix}one\n${prefix}two\nexit code 0`)
  })

  it('makes names and messages of the server harmless, too', async () => {
    const refusal: Answer = (response) => {
      const error = { code: 'no_such_target', message: 'cannot find \x1b[2Jx', nearest: ['we\x1b]0;owned\x07b'] }
      response.writeHead(404).end(JSON.stringify({ error }))
    }
    server.script(refusal)
    const { screen } = await onTerminal('logs x')
    expect(screen).toBe('error: cannot find ^[[2Jx; the nearest: we^[]0;owned^Gb\nexit code 1')
  })

  describe('more than 100 k lines', () => {
    const asked = () =>
      server.requests.map(({ url }) => `${url.pathname}${url.search}`.replace(/^\/api\/v1\/(\w+)\?target=web/, '$1'))
    const many: Answer = (response) => {
      response.writeHead(200, { 'swarmlogs-records': '100001' })
      response.write(frame(1, 'not wanted\n'))
    }
    const oldest = (...times: string[]) =>
      json(200, { records: times.map((time) => ({ '@timestamp': time })), cursor: null, end: true })

    it('are shown as the last 10 k, which is said', async () => {
      server.script(many, lines('wanted'))
      const { screen } = await onTerminal('logs --raw web')
      expect(screen).toContain('web has 100001 lines: these are the last 10000; -n all shows all of them')
      expect(screen).toContain('wanted')
      expect(screen).not.toContain('not wanted')
      expect(asked()).toEqual(['search&raw=true&limit=1', 'search&raw=true&n=10000'])
    })

    it('begin with the last 10 k when they are followed', async () => {
      server.script(many, events(`${LINE}event: note\ndata: {"code":"until","message":"over"}\n\n`, true))
      const { screen } = await onTerminal('logs -f --raw web')
      expect(screen).toContain('web has 100001 lines: these are the last 10000; -n all shows all of them')
      expect(screen).toContain('ready')
      expect(asked()).toEqual(['search&raw=true&limit=1', 'tail&raw=true&n=10000&format=text'])
    })

    it('are noticed before a time in the middle, too', async () => {
      server.script(lines('x'), oldest('2026-11-20T00:00:00Z'), oldest('2026-11-19T00:00:00Z'), lines('wanted'))
      const { screen } = await onTerminal('logs --until 1h web')
      expect(screen).toContain('web has more than 100000 lines: these are the last 10000; -n all shows all of them')
      expect(asked()).toEqual([
        'search&until=1h&limit=1',
        'search&until=1h&n=100000&limit=1',
        'search&until=2026-11-20T00%3A00%3A00Z&limit=1',
        'search&until=1h&n=10000',
      ])
    })

    it.each(['-n all', '--since 1d'])('are all shown with %s', async (flags) => {
      server.script(frames([frame(1, 'wanted\n')], { 'swarmlogs-records': '100001' }))
      expect((await onTerminal(`logs ${flags} web`)).screen).toBe('wanted\nexit code 0')
      expect(server.requests).toHaveLength(1)
    })
  })

  it('ends a tail with 130 at Ctrl-C', async () => {
    server.script(events(LINE))
    const { screen } = await onTerminal('tail -f --raw -n 0', { keys: 'C-c' })
    expect(screen).toMatch(/^ready\n\^C ?exit code 130$/)
  })
})
