import { createHash } from 'node:crypto'
import { Value } from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseManifest } from '../../../server/archive/manifest.ts'
import { ApiArchive } from '../../../shared/api/archive.ts'
import { ArchiveScene } from '../archive/scene.ts'
import { serve, type TestServer } from '../serve.ts'
import { DAY, linesOf, NOON, WEB } from '../store/records.ts'

const day = (ago: number) => new Date(Number((NOON - BigInt(ago) * DAY) / 1_000_000n)).toISOString().slice(0, 10)

let scene: ArchiveScene
let server: TestServer
beforeAll(async () => {
  scene = await ArchiveScene.open(
    [0, 1, 2].flatMap((ago) => linesOf(WEB, 10 + ago, { time: NOON - BigInt(ago) * DAY })),
  )
  server = await serve({ store: scene.store })
})
afterAll(async () => {
  await server.close()
  await scene.close()
})

async function call(method: string, path = '', body?: unknown): Promise<{ status: number; text: string }> {
  const response = await fetch(`${server.url}/api/v1/archive${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  return { status: response.status, text: await response.text() }
}

describe('/api/v1/archive', () => {
  it('lists the days, the oldest first', async () => {
    const { days, ...others } = JSON.parse((await call('GET')).text)
    expect([...Value.Errors(ApiArchive, { days, ...others })]).toEqual([])
    expect(others).toEqual({ place: scene.path(), holds: [], damaged: [] })
    expect(days).toMatchObject([2, 1, 0].map((ago) => ({ day: day(ago), lines: 10 + ago, streams: 1, generation: 1 })))
    const first = new Date(Number(NOON / 1_000_000n)).toISOString().replace('.000Z', '.000000000Z')
    const ofDay = { first, last: first.replace('000000000Z', '009000000Z'), files: 3, gaps: 0, damaged: [] }
    expect(days[2]).toMatchObject({ ...ofDay, message_bytes: 10 * 'line 0'.length })
    expect(days[2].bytes).toBeGreaterThan(0)
  })

  it('tells of it in status and metrics', async () => {
    const { store } = await (await server.get('/api/v1/status')).json()
    expect(store.archive).toEqual({ days: 3, bytes: expect.any(Number), kept: 0 })
    const metrics = await (await server.get('/metrics')).text()
    expect(metrics).toContain('swarmlogs_archive_days 3\n')
    expect(metrics).toContain(`swarmlogs_archive_bytes ${store.archive.bytes}\n`)
  })

  it('gives each file as it is', async () => {
    const response = await server.get(`/api/v1/archive/${day(0)}/manifest.json`)
    const manifest = parseManifest(await response.text(), 'answer')
    for (const { name, bytes, sha256 } of manifest.files) {
      const file = await server.get(`/api/v1/archive/${day(0)}/${name}`)
      expect(file.headers.get('content-length')).toBe(String(bytes))
      expect(
        createHash('sha256')
          .update(await file.bytes())
          .digest('hex'),
      ).toBe(sha256)
    }
    for (const name of ['nothing', '..%2fholds.json', 'lines-00002.parquet'])
      expect(await call('GET', `/${day(0)}/${name}`)).toMatchObject({
        status: 404,
        text: expect.stringContaining('no_such_file'),
      })
  })

  it('reads all of a day, and names what is damaged', async () => {
    await scene.flip(`${day(2)}.1`, 'lines-00001.parquet')
    const [sound, wrong] = await Promise.all([call('POST', `/${day(1)}/verify`), call('POST', `/${day(2)}/verify`)])
    const told = (text: string) =>
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    expect(told(sound.text)).toMatchObject([
      ...['manifest.json', 'manifest.copy.json', 'lines-00001.parquet', 'words'].map((file) => ({ file })),
      { end: true },
    ])
    expect(sound.text).not.toContain('why')
    expect(told(wrong.text).filter(({ why }) => why !== undefined)).toMatchObject([
      { file: 'lines-00001.parquet', lines: 12, why: 'its SHA-256 is not that of the manifest' },
    ])
    await scene.flip(`${day(2)}.1`, 'lines-00001.parquet')
    expect((await call('POST', `/${day(2)}/verify`)).text).not.toContain('why')
  })

  it('does not delete a day that is on hold until it is released', async () => {
    const kept = await call('PUT', `/${day(2)}/hold`, { reason: 'case 4711' })
    expect(JSON.parse(kept.text)).toMatchObject({ day: day(2), reason: 'case 4711' })
    expect(JSON.parse((await call('PUT', `/${day(-3)}/hold`, {})).text)).toMatchObject({ day: day(-3), reason: '' })
    const { days, holds } = JSON.parse((await call('GET')).text)
    expect(days[0].hold).toMatchObject({ reason: 'case 4711' })
    expect(holds).toHaveLength(2)
    expect(await call('DELETE', `/${day(2)}`)).toMatchObject({
      status: 409,
      text: expect.stringContaining('case 4711'),
    })
    expect((await call('DELETE', `/${day(2)}/hold`)).status).toBe(200)
    expect(await call('DELETE', `/${day(2)}/hold`)).toMatchObject({ status: 404 })
    expect(await call('DELETE', `/${day(2)}`)).toMatchObject({ status: 200, text: '{"removed":true}' })
    expect(JSON.parse((await call('GET')).text).days).toHaveLength(2)
  })

  it.each([
    ['POST', '/2020-01-01/verify', 404, /cannot find 2020-01-01 in the archive/],
    ['GET', '/2020-01-01/manifest.json', 404, /not_archived/],
    ['DELETE', '/2020-01-01', 404, /not_archived/],
    ['DELETE', '/2020-02-30', 400, /cannot use day='2020-02-30'/],
    ['PUT', '/yesterday/hold', 400, /cannot use day='yesterday'/],
  ])('%s %s is refused', async (method, path, status, message) => {
    const { status: got, text } = await call(method, path, method === 'PUT' ? {} : undefined)
    expect([got, text]).toEqual([status, expect.stringMatching(message)])
  })

  it('says so where a store archives nothing, and to those without a token', async () => {
    const other = await serve()
    const secret = await serve({ store: scene.store, tokens: () => ['secret'] })
    const response = await other.get('/api/v1/archive')
    expect([response.status, await response.text()]).toEqual([404, expect.stringContaining('no_archive')])
    expect((await secret.get('/api/v1/archive')).status).toBe(401)
    await Promise.all([other.close(), secret.close()])
  })
})
