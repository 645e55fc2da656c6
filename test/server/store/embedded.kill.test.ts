import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openStore } from '../../../server/store/open.ts'
import { collect } from './records.ts'

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

/** Writes from line `start` on, kills the writer after `acks` acks, anywhere in the next append; returns the line behind the last ack. */
async function writeAndKill(writer: string, start: number, acks: number, delayMs: number): Promise<number> {
  const child = spawn(process.execPath, [writer, dir, String(start)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let acked = start
  let count = 0
  for await (const line of createInterface({ input: child.stdout })) {
    acked = Number(line)
    count++
    // Not a wait for something: it moves the kill through the commit.
    if (count === acks) setTimeout(() => child.kill('SIGKILL'), delayMs)
  }
  if (child.signalCode === null) await once(child, 'exit')
  expect(child.signalCode).toBe('SIGKILL')
  return acked
}

it('opens after kill -9 without help, with every acked line once', async () => {
  let acked = 0
  for (let round = 0; round < ROUNDS; round++)
    acked = await writeAndKill(WRITER, acked, 1 + (round % 3), (round * 7) % 23)
  const { segments } = await whatIsThere(acked, 300)
  expect(segments).toBeGreaterThan(2)
}, 120_000)

it('has each acked line once, hot or archived, after kill -9 anywhere in sealing', async () => {
  let acked = 0
  for (let round = 0; round < ARCHIVER_ROUNDS; round++)
    acked = await writeAndKill(ARCHIVER, acked, 1 + (round % 4), (round * 37) % 401)
  const { archived } = await whatIsThere(acked, 100)
  expect(archived).toBeGreaterThan(0)
}, 480_000)

/** Holds what is stored against what was acked: each line once, of the append that was cut off all or some, or none. */
async function whatIsThere(acked: number, perAppend: number): Promise<{ segments: number; archived: number }> {
  const store = await openStore({ dir, retentionMs: 30 * 86_400_000, lockWaitMs: 0, log: pino({ level: 'silent' }) })
  const numbers = (await collect(store)).map((record) => Number.parseInt(record.message, 10))
  const { identity } = store
  const { damaged } = store.status()
  const days = (await store.archive?.list()) ?? []
  await store.close()
  numbers.sort((a, b) => a - b)
  expect(new Set(numbers).size).toBe(numbers.length)
  expect(numbers.slice(0, acked)).toEqual(Array.from({ length: acked }, (_, index) => index))
  expect(numbers.length - acked).toBeLessThanOrEqual(perAppend)
  expect({ epoch: identity.epoch, damaged }).toEqual({ epoch: 0, damaged: [] })
  const archived = days.reduce((sum, { manifest }) => sum + manifest.lines, 0)
  return { segments: (await readdir(join(dir, 'segments'))).length, archived }
}
