import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStore } from '../../../server/store/open.ts'
import type { Store } from '../../../server/store/store.ts'
import type { LogRecord } from '../../../shared/record.ts'
import { type Elastic, startElastic } from '../../lab/elastic.ts'
import { eventually, killPrograms, startProgram, swarmlogs } from '../../lab/program.ts'
import { dropAll } from './elasticsearch.ts'
import { ALL, DAY, messages, NOON, recordOf, SECOND, streamOf } from './records.ts'

const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))
const YEARS_MS = 100 * 365 * 86_400_000
const MANY = 30_000
/** The largest request, in MiB: a line that is larger is refused for ever. */
const MAX_MIB = 2

const [WEB, API] = [streamOf('web'), streamOf('api', { nodeId: 'node0', attributes: { b: '2', a: '1' } })]
const SENDER = streamOf('sender', { tag: 'app.x', containerId: '', nodeId: 'host7' })
/** A container whose lines an agent reads, too. */
const DUAL = streamOf('web', { tag: 'docker.web' })

let elastic: Elastic
let dir: string

beforeAll(async () => {
  elastic = await startElastic({ settings: { 'http.max_content_length': `${MAX_MIB}mb` } })
  dir = mkdtempSync(join(tmpdir(), 'swarmlogs-copy-'))
}, 180_000)

afterAll(async () => {
  killPrograms()
  rmSync(dir, { recursive: true, force: true })
  await elastic?.stop()
})

/** Copies by the command, from and to a folder of the test, or the cluster. */
function copy(from: string, to: string, prefix: string) {
  return swarmlogs(argsOf(from, to, prefix))
}

function argsOf(from: string, to: string, prefix: string): string[] {
  const place = (name: string) => (name === 'elastic' ? elastic.urls.join(',') : join(dir, name))
  const options = ['--elasticsearch-prefix', prefix, '--elasticsearch-replicas', '0']
  return ['store', 'copy', '--from', place(from), '--to', place(to), ...options]
}

async function openFolder(name: string): Promise<Store> {
  return openStore({ dir: join(dir, name), retentionMs: YEARS_MS, lockWaitMs: 0, log: pino({ level: 'silent' }) })
}

async function openCluster(prefix: string): Promise<Store> {
  const elasticsearch = { urls: elastic.urls, prefix, replicas: 0 }
  return openStore({ dir: '', retentionMs: YEARS_MS, elasticsearch, log: pino({ level: 'silent' }) })
}

async function fill(name: string, batches: readonly (readonly LogRecord[])[]): Promise<void> {
  const store = await openFolder(name)
  for (const batch of batches) await store.append(batch)
  await store.save('inventory', '{"format":0}')
  await store.close()
}

/** All that a store holds, without what is its own: when it was committed, and the ordinals that it gave to foreign lines. */
async function allOf(open: Promise<Store>): Promise<object[]> {
  const store = await open
  const found: object[] = []
  for await (const records of store.search({ filter: ALL, order: 'asc' }))
    for (const { received: _, ordinal, ...record } of records)
      found.push({ ...record, ...(ordinal < 2 ** 31 && { ordinal }) })
  await store.close()
  return found
}

function odds(): LogRecord[][] {
  const foreign = (chunk: string, count: number, stream = SENDER) =>
    Array.from({ length: count }, (_, ordinal) => recordOf(stream, { chunk, ordinal, message: `${chunk} ${ordinal}` }))
  return [
    [
      ...[0, 1, 2].map((ordinal) => recordOf(WEB, { ordinal, message: 'same' })),
      recordOf(WEB, { time: NOON - 3n * DAY, source: 'stderr', level: 'error', fields: '{"a":{"b":1}}' }),
      recordOf(API, { time: NOON - DAY, message: 'x'.repeat(50_000), cutFrom: 2_000_000 }),
      recordOf(API, { time: 5n, message: 'of 1970' }),
      recordOf(API, { time: NOON + 900n * DAY, message: 'of a clock that runs ahead' }),
    ],
    [0, 1, 2].map((ordinal) => recordOf(API, { ordinal, headMissing: true, message: `guess ${ordinal % 2}` })),
    foreign('one', 5),
    foreign('two', 3),
    foreign('dual', 2, DUAL),
  ]
}

function many(): LogRecord[][] {
  const lines = Array.from({ length: MANY }, (_, line) =>
    recordOf(line % 2 === 0 ? WEB : SENDER, {
      time: NOON - BigInt(line % 3) * DAY + BigInt(Math.floor(line / 60)) * SECOND,
      ordinal: Math.floor(line / 6) % 10,
      message: `line ${line}`,
      chunk: line % 2 === 0 ? '' : `chunk ${Math.floor(line / 60)}`,
    }),
  )
  return Array.from({ length: 6 }, (_, part) => lines.slice((part * MANY) / 6, ((part + 1) * MANY) / 6))
}

describe('swarmlogs store copy', () => {
  it('copies every kind of line to Elasticsearch and back, once however often', { timeout: 180_000 }, async () => {
    await fill('odds', odds())
    const expected = await allOf(openFolder('odds'))
    expect(expected).toHaveLength(20)
    for (const [from, to] of [
      ['odds', 'elastic'],
      ['odds', 'elastic'],
      ['elastic', 'back'],
      ['elastic', 'back'],
    ] as const)
      expect(await copy(from, to, 'odds')).toMatchObject({
        code: 0,
        stdout: 'copied 20 lines: each container and day has all of them\n',
      })
    expect(await allOf(openCluster('odds'))).toEqual(expected)
    expect(await allOf(openFolder('back'))).toEqual(expected)
    const back = await openFolder('back')
    expect(await back.load('inventory')).toBe('{"format":0}')
    await back.close()
    await dropAll(elastic.urls[0] ?? '', 'odds')
  })

  it('goes on after a kill, in both directions', { timeout: 300_000 }, async () => {
    await fill('many', many())
    const expected = await allOf(openFolder('many'))
    const url = elastic.urls[0] ?? ''
    await killedWhen(argsOf('many', 'elastic', 'many'), async () => {
      const answer = await fetch(`${url}/many-2*/_stats/docs?filter_path=_all.primaries.docs.count`)
      return Number(/\d+/.exec(await answer.text())?.[0] ?? 0) > 0
    })
    expect((await copy('many', 'elastic', 'many')).code).toBe(0)
    expect(await allOf(openCluster('many'))).toEqual(expected)
    await killedWhen(argsOf('elastic', 'again', 'many'), async () => (await segmentsOf('again')) > 0)
    const { code, stderr } = await copy('elastic', 'again', 'many')
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('(100 %)') })
    expect(await allOf(openFolder('again'))).toEqual(expected)
    await dropAll(url, 'many')
  })

  it('says which lines are missing, and copies them the next time', { timeout: 120_000 }, async () => {
    await fill('short', odds())
    expect((await copy('short', 'elastic', 'short')).code).toBe(0)
    const day = new Date(Number(NOON / 1_000_000n)).toISOString().slice(0, 10)
    await elastic.call('DELETE', `/short-${day.replaceAll('-', '.')}`)
    const first = await copy('short', 'elastic', 'short')
    expect(first).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(new RegExp(`cannot find all lines .* on ${day} \\(0 of 5\\)`)),
    })
    expect((await copy('short', 'elastic', 'short')).code).toBe(0)
    expect(await allOf(openCluster('short'))).toEqual(await allOf(openFolder('short')))
    await dropAll(elastic.urls[0] ?? '', 'short')
  })

  it('tells lines that the cluster refuses as gaps, once however often', { timeout: 120_000 }, async () => {
    const huge = recordOf(WEB, { time: NOON + SECOND, message: 'y'.repeat(MAX_MIB * 1_100_000) })
    await fill('huge', [[recordOf(WEB), huge, recordOf(WEB, { time: NOON + 2n * SECOND, message: 'last' })]])
    const gap = { stream: WEB, reason: 'refused', from: huge.time, to: huge.time, atLeast: 1, atMost: 1 }
    for (let round = 0; round < 2; round++) {
      const { code, stderr } = await copy('huge', 'elastic', 'huge')
      expect({ code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/cannot find all lines .* \(2 of 3\)/),
      })
      const copied = await openCluster('huge')
      expect(await messages(copied)).toEqual(['hello', 'last'])
      expect(await copied.gaps()).toEqual([gap])
      expect(await copied.refusals?.(10)).toMatchObject([{ reason: expect.stringContaining('large') }])
      await copied.close()
    }
    await dropAll(elastic.urls[0] ?? '', 'huge')
  })

  it('refuses what a server has open, what is no store, and what is the same one', { timeout: 60_000 }, async () => {
    const listen = ['--listen', '127.0.0.1:0', '--forward', '127.0.0.1:0']
    const server = await startProgram(['server', '--data', join(dir, 'used'), ...listen])
    for (const [from, to, said] of [
      ['used', 'other', /cannot copy from '.*used': a server has it open; stop that server/],
      ['odds', 'used', /cannot copy to '.*used': a server has it open/],
      ['nothing', 'other', /cannot copy from '.*nothing': there is no store in it/],
    ] as const)
      expect((await copy(from, to, 'none')).stderr).toMatch(said)
    await server.end('SIGTERM')
    expect((await swarmlogs(['store', 'copy', '--from', dir])).stderr).toContain('cannot copy without --to')
    expect((await swarmlogs(['store', 'move'])).code).toBe(2)
  })
})

/** Starts the program and kills it when something has happened; fails with what the program said when that does not come. */
async function killedWhen(args: readonly string[], hasHappened: () => Promise<boolean>): Promise<void> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(child, 'exit')
  const said = text(child.stderr)
  await eventually('the copy to begin', 60_000, hasHappened, async () => {
    child.kill('SIGKILL')
    return `: ${await said}, ended ${await ended}`
  })
  child.kill('SIGKILL')
  expect(await ended).toEqual([null, 'SIGKILL'])
}

/** How many segments a folder has. */
async function segmentsOf(name: string): Promise<number> {
  try {
    return readdirSync(join(dir, name, 'segments')).length
  } catch {
    return 0
  }
}
