import { once } from 'node:events'
import { watch as watchFolder } from 'node:fs'
import { mkdir, readdir, watch } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { formatTime } from '../../shared/time.ts'
import { Scene, SINCE, UNTIL } from '../server/bundle/scene.ts'
import { MemoryStore } from '../server/store/memory.ts'
import { API, linesOf, WEB } from '../server/store/records.ts'
import { type Cli, json, ScriptedServer, startCli } from './scripted.ts'

const RANGE = ['--since', formatTime(SINCE), '--until', formatTime(UNTIL)]

const server = new ScriptedServer()
let scene: Scene
let knowledge: unknown
let dir: string
beforeAll(async () => {
  scene = await Scene.open(new MemoryStore(), [...linesOf(WEB, 6000), ...linesOf(API, 6000)])
  await scene.save('a.slog')
  knowledge = await (await scene.server.get('/api/v1/knowledge')).json()
  await server.start()
}, 60_000)
afterAll(async () => {
  await server.stop()
  await scene.close()
})

let runs = 0
beforeEach(async () => {
  dir = scene.path(`run-${runs++}`)
  await mkdir(`${dir}/cache`, { recursive: true })
})

const start = (args: readonly string[]): Cli =>
  startCli(args, { SWARMLOGS_URL: server.url, XDG_CACHE_HOME: `${dir}/cache`, TMPDIR: dir })
/** All that is below a folder, but for what is meant to stay. */
const left = async (): Promise<string[]> =>
  (await readdir(dir, { recursive: true })).filter((name) => !/^cache(\/swarmlogs(\/bundles)?)?$/.test(name))

/** Answers that begin and never end; `asked` resolves when one is waited for. */
function stalled() {
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  const answer = (response: ServerResponse): void => {
    response.writeHead(200)
    response.flushHeaders()
    resolve()
  }
  return { asked, answer }
}

/** Resolves when something of that name is made in a folder. */
async function made(folder: string, prefix: string): Promise<void> {
  for await (const { filename } of watch(folder)) if (filename?.startsWith(prefix)) return
}

async function interrupt(cli: Cli) {
  cli.child.kill('SIGINT')
  const { code, signal, stderr } = await cli.ended
  return { code, signal, stderr, left: await left() }
}

describe('Ctrl-C', { timeout: 60_000 }, () => {
  it.each([
    [['incident', 'save', 'x', ...RANGE], '.slog', 'cannot save the bundle: it was stopped; nothing was written'],
    [['export'], '.ndjson', 'cannot export all lines: it was stopped; nothing was written'],
    [['export'], '.parquet', 'cannot export all lines: it was stopped; nothing was written'],
  ])('ends %j to a %s file with 130, and nothing is left', async (args, extension, message) => {
    const { asked, answer } = stalled()
    server.script(...(args[0] === 'incident' ? [json(200, knowledge)] : []), answer)
    const begun = once(watchFolder(dir), 'change')
    const cli = start([...args, '-o', `${dir}/x${extension}`])
    await Promise.all([asked, begun])
    expect(await left()).not.toEqual([])
    expect(await interrupt(cli)).toEqual({ code: 130, signal: null, stderr: `error: ${message}\n`, left: [] })
  })

  it.each(['.ndjson', '.csv.zst', '.parquet'])(
    'leaves nothing of an export to %s when it is pressed twice',
    async (extension) => {
      const { asked, answer } = stalled()
      server.script(answer)
      const begun = made(dir, 'x')
      const cli = start(['export', '-o', `${dir}/x${extension}`])
      await Promise.all([asked, begun])
      cli.child.kill('SIGINT')
      expect(await interrupt(cli)).toMatchObject({ code: 130, left: [] })
    },
  )

  it('leaves nothing of a bundle that is being unpacked', async () => {
    const folder = `${dir}/cache/swarmlogs/bundles`
    await mkdir(folder, { recursive: true })
    const begun = made(folder, 'unfinished-')
    const cli = start(['--archive', scene.path('a.slog'), 'tail'])
    await begun
    expect(await interrupt(cli)).toMatchObject({ code: 130, stderr: '', left: [] })
  })

  it('leaves nothing of a bundle that is being verified', async () => {
    const begun = made(dir, 'swarmlogs-verify-')
    const cli = start(['incident', 'verify', scene.path('a.slog')])
    await begun
    expect(await interrupt(cli)).toMatchObject({ code: 130, stderr: '', left: [] })
  })

  it('ends export to stdout and its hash with 130', async () => {
    for (const args of [['export'], ['export', '--hash']]) {
      const { asked, answer } = stalled()
      server.script(answer)
      const cli = start(args)
      await asked
      expect(await interrupt(cli)).toMatchObject({ code: 130, stderr: 'error: cannot go on: it was stopped\n' })
    }
  })

  it('ends the import of Parquet with 130, and no folder is left', async () => {
    const exported = startCli(['export', '-o', scene.path('all.parquet')], { SWARMLOGS_URL: scene.server.url })
    expect((await exported.ended).code).toBe(0)
    const { asked, answer } = stalled()
    server.script(answer)
    const cli = start(['import', scene.path('all.parquet')])
    await asked
    expect(await left()).not.toEqual([])
    expect(await interrupt(cli)).toEqual({ code: 130, signal: null, stderr: '', left: [] })
  })

  it('ends what reads a bundle with 130, and only the unpacked bundle is left', async () => {
    const cli = start(['replay', scene.path('a.slog'), '--speed', '0.001x'])
    await cli.until("a.slog: '")
    const ended = await interrupt(cli)
    expect(ended).toMatchObject({ code: 130, signal: null })
    expect(ended.left.filter((name) => /spill-|unfinished-/.test(name))).toEqual([])
  })
})
