import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, json, ScriptedServer } from '../cli/scripted.ts'
import { Tmux } from './screen.ts'

const SIZE = [100, 24] as const
const TIME = '2026-11-21T10:00:00.000000000Z'

const server = new ScriptedServer()
let tmux: Tmux
beforeAll(async () => {
  await server.start()
  tmux = await Tmux.start()
})
afterAll(async () => {
  await tmux.stop()
  await server.stop()
})

const record = (message: string) => ({
  ...{ '@timestamp': TIME, message, 'log.iostream': 'stdout', 'event.received': TIME },
  ...{ 'service.name': 'web', 'container.id': 'c1', cursor: 'here' },
})
const LINES = `data: ${JSON.stringify(record('an old line'))}\n\nid: a\nevent: live\ndata: {}\n\n`

/** Knows what the first servers knew: its version, and how to tail. */
const older: Answer = (response, request) => {
  const path = new URL(request.url ?? '', server.url).pathname
  if (path === '/api/v1/version') return json(200, { version: '0.0.1', api: 'v1' })(response, request)
  if (path !== '/api/v1/tail') {
    const error = { code: 'no_such_address', message: `cannot GET ${path}` }
    return json(404, { error })(response, request)
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(LINES)
}

describe('the terminal UI', () => {
  it('shows what an older server can, says what it cannot, and goes on', async () => {
    server.script(older)
    const screen = await tmux.open('ui', SIZE, `SWARMLOGS_URL=${server.url}`)
    await screen.shows('an old line')
    for (const keys of [['x'], ['Escape', 's'], ['Escape', 'p'], ['Escape', 'g']]) {
      await screen.press(...keys)
      if (keys.includes('g')) await screen.type('9:00\n')
      await screen.shows(/cannot ask .* this: the server is older than this program/)
      await screen.press('Escape')
      await screen.hides('cannot ask')
    }
    expect(await screen.text()).toContain('an old line')
    await screen.press('q')
    expect(await screen.shows('exit code')).toMatch(/^before\nexit code 0$/)
    await screen.close()
  })

  it.each(['ui', 'open here'])('%s says what is wrong with a token before it takes the terminal', async (args) => {
    server.script(json(401, { error: { code: 'unauthorized', message: 'no' } }))
    const screen = await tmux.open(args, SIZE, `SWARMLOGS_URL=${server.url} SWARMLOGS_TOKEN=wrong`)
    expect(await screen.shows('exit code')).toMatch(
      /^before\nerror: cannot read from .* does not take[\s\S]*exit code 1$/,
    )
    expect(await screen.tell('alternate_on')).toBe('0')
    await screen.close()
  })

  it('says that an older server cannot show what is around a line', async () => {
    server.script(older)
    const screen = await tmux.open('open here', SIZE, `SWARMLOGS_URL=${server.url}`)
    expect(await screen.shows('exit code')).toMatch(/^before\nerror: cannot ask [\s\S]*exit code 1$/)
    await screen.close()
  })
})
