import { afterAll, beforeAll, expect, it } from 'vitest'
import { Scene } from '../server/bundle/scene.ts'
import { MemoryStore } from '../server/store/memory.ts'
import { NOON, SECOND } from '../server/store/records.ts'
import { Tmux } from './screen.ts'

const LAST_ERROR = NOON - SECOND + 299_000_000n

let scene: Scene
let tmux: Tmux
beforeAll(async () => {
  scene = await Scene.open(new MemoryStore())
  const { annotations } = scene.server.context
  await annotations.add({ from: LAST_ERROR, made: NOON, by: 'ben', text: 'the db failed over here' })
  await scene.save('case.slog')
  tmux = await Tmux.start()
})
afterAll(async () => {
  await tmux.stop()
  await scene.close()
})

const environment = () => `XDG_CACHE_HOME=${scene.path('home')} SWARMLOGS_URL=http://127.0.0.1:1`

it('shows a bundle on the whole terminal, without a server: to the last error, and the note', async () => {
  const screen = await tmux.open(`--archive ${scene.path('case.slog')} ui`, [120, 40], environment())
  const text = await screen.shows(/-- note: anna, .*: a moment[\s\S]*PAST/)
  expect(text).toContain('same 2')
  await screen.press('E')
  expect(await screen.shows(/line 299/)).toMatch(/-- note: ben, .*: the db failed over here/)
  await screen.press('q')
  await screen.shows('exit code 0')
})

it('shows the lines of a bundle as they came in, with what was noted', async () => {
  const command = `replay ${scene.path('case.slog')} --ui --speed 0.25x`
  const screen = await tmux.open(command, [120, 40], environment())
  await screen.shows(/LIVE/)
  const first = await screen.shows(/line 299/)
  expect(first).not.toContain('same 2')
  const later = await screen.shows(/same 2/)
  expect(later).toContain('LIVE')
  expect(await screen.shows(/-- note: anna, .*: a moment/)).not.toContain('quoted')
  await screen.shows(/quoted/)
  await screen.press('q')
  await screen.shows('exit code 0')
})
