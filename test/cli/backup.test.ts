import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStore } from '../../server/store/open.ts'
import type { Store } from '../../server/store/store.ts'
import { serve, type TestServer } from '../server/serve.ts'
import { API, linesOf, WEB } from '../server/store/records.ts'
import { runCli } from './scripted.ts'

let dir: string
const stores: Store[] = []
const servers: TestServer[] = []
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'swarmlogs-cli-backup-'))
})
afterAll(async () => {
  for (const server of servers) await server.close()
  for (const store of stores) await store.close()
  await rm(dir, { recursive: true, force: true })
})

const path = (name: string): string => join(dir, name)
async function serveIn(name: string): Promise<TestServer> {
  const log = pino({ level: 'silent' })
  const store = await openStore({ dir: path(name), retentionMs: 30 * 86_400_000, lockWaitMs: 0, log })
  stores.push(store)
  const server = await serve({ store, tokens: () => ['secret'] })
  servers.push(server)
  return server
}
const cli = (server: TestServer, ...args: string[]) =>
  runCli(args, { SWARMLOGS_URL: server.url, SWARMLOGS_TOKEN: 'secret' })

describe('store backup', { timeout: 60_000 }, () => {
  it('of a running server restores to a store with the same lines, as the hash of an export says', async () => {
    const server = await serveIn('data')
    await server.context.store.append([...linesOf(WEB, 3000), ...linesOf(API, 3000)])
    const saved = await cli(server, 'store', 'backup', '-o', path('a.tar'))
    expect(saved).toMatchObject({ code: 0, stderr: '' })
    const sum = /^saved \S+a\.tar: 6000 lines of the store .*, sha256 ([0-9a-f]{64})\n$/.exec(saved.stdout)?.[1] ?? ''
    const [verified, restored, again] = await Promise.all([
      cli(server, 'store', 'verify', path('a.tar'), '--sha256', sum),
      cli(server, 'store', 'restore', path('a.tar'), '--data', path('new')),
      cli(server, 'store', 'backup', '-o', path('a.tar')),
    ])
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining('all of it is as it was saved') })
    expect(restored).toMatchObject({ code: 0, stdout: expect.stringMatching(/^restored to \S+new: 6000 lines of/) })
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('it is there already; give another -o') })
    const other = await serveIn('new')
    const [before, after] = await Promise.all([server, other].map((one) => cli(one, 'export', '--hash')))
    expect(before).toMatchObject({ code: 0, stdout: expect.stringMatching(/[0-9a-f]{64}/) })
    expect(after).toEqual(before)
  })

  it('says what cannot be done, with exit codes', async () => {
    const memory = await serve({ tokens: () => ['secret'] })
    servers.push(memory)
    const outcomes = await Promise.all([
      cli(memory, 'store', 'backup', '-o', path('b.tar')),
      cli(memory, 'store', 'backup', '--data', path('none'), '-o', path('b.tar')),
      cli(memory, 'store', 'restore', path('none')),
      cli(memory, 'store', 'verify', path('none')),
      cli(memory, 'store', 'burn'),
    ])
    expect(outcomes.map(({ code, stderr }) => [code, stderr])).toEqual([
      [1, expect.stringContaining('use the snapshots of Elasticsearch')],
      [2, expect.stringContaining('there is no store in it')],
      [2, expect.stringContaining('cannot restore without --data')],
      [2, expect.stringContaining("cannot open the backup '")],
      [2, expect.stringContaining("cannot do 'burn' to a store: give backup, restore, verify, copy")],
    ])
    expect(existsSync(path('b.tar.unfinished'))).toBe(false)
  })
})
