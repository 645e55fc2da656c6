import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openStore } from '../../../server/store/open.ts'
import { messages } from './records.ts'
import { PER_APPEND } from './seal-crash.ts'
import { expectAckedOnce, writeAndKill } from './write-and-kill.ts'

const WRITER = fileURLToPath(new URL('embedded.crash.ts', import.meta.url))
const ARCHIVER = fileURLToPath(new URL('embedded.seal-crash.ts', import.meta.url))
const [ROUNDS, ARCHIVER_ROUNDS] = [50, 100]

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'swarmlogs-kill-'))
})
afterEach(async () => {
  await rm(dir, { recursive: true, force: true })
})

const writer = (path: string) => ({ path, args: [dir] })

it('opens after kill -9 without help, with every acked line once', async () => {
  let acked = 0
  for (let round = 0; round < ROUNDS; round++)
    acked = await writeAndKill(writer(WRITER), acked, { acks: 1 + (round % 3), delayMs: (round * 7) % 23 })
  const { segments } = await whatIsThere(acked, 300)
  expect(segments).toBeGreaterThan(2)
}, 300_000)

it('has each acked line once, hot or archived, after kill -9 anywhere in sealing', async () => {
  let acked = 0
  for (let round = 0; round < ARCHIVER_ROUNDS; round++)
    acked = await writeAndKill(writer(ARCHIVER), acked, { acks: 1 + (round % 4), delayMs: (round * 37) % 401 })
  const { archived } = await whatIsThere(acked, PER_APPEND)
  expect(archived).toBeGreaterThan(0)
}, 900_000)

/** Holds what is stored against what was acked: each line once, of the append that was cut off all or some, or none. */
async function whatIsThere(acked: number, perAppend: number): Promise<{ segments: number; archived: number }> {
  const store = await openStore({ dir, retentionMs: 30 * 86_400_000, lockWaitMs: 0, log: pino({ level: 'silent' }) })
  const found = await messages(store)
  const { identity } = store
  const { damaged } = store.status()
  const days = (await store.archive?.list()) ?? []
  await store.close()
  expectAckedOnce(found, acked, perAppend)
  expect({ epoch: identity.epoch, damaged }).toEqual({ epoch: 0, damaged: [] })
  const archived = days.reduce((sum, { manifest }) => sum + manifest.lines, 0)
  return { segments: (await readdir(join(dir, 'segments'))).length, archived }
}
