import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { zstdDecompressSync } from 'node:zlib'
import { Unpackr } from 'msgpackr'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { agentConfig } from '../../agent/config.ts'
import { runAgent } from '../../agent/main.ts'
import { acquireLock } from '../../agent/spool/lock.ts'
import type { OwnEntry } from '../../shared/forward/own.ts'
import { recordingLog, silent, temporaryDir } from './chunks.ts'
import { FakeEngine } from './fake-engine.ts'
import { type Receiver, startReceiver } from './forwarder/receiver.ts'

let engine: FakeEngine
let state: string

beforeEach(async () => {
  engine = await FakeEngine.start()
  onTestFinished(() => engine.close())
  state = join(temporaryDir(), 'state')
})

describe('runAgent', () => {
  it('ships what containers print, says when it is ready, and ends by itself when it is stopped', async () => {
    const receiver = await startReceiver()
    const container = engine.container()
    container.write('before')
    const agent = start(receiver.port)
    await agent.ready
    await messages(receiver, ['before'])
    container.write('after')
    await messages(receiver, ['before', 'after'])
    await agent.stop()
    expect(agent.logged()).toContain('agent has shipped everything')
  })

  it('goes on where it was, without a line twice', async () => {
    const receiver = await startReceiver()
    const container = engine.container()
    container.write('one')
    const before = start(receiver.port)
    await messages(receiver, ['one'])
    await before.stop()
    container.write('two')
    const after = start(receiver.port)
    await messages(receiver, ['one', 'two'])
    await after.stop()
    expect(messagesOf(receiver)).toEqual(['one', 'two'])
  })

  it('spools while the server is away, and ships after its own restart', async () => {
    const container = engine.container()
    container.write('one')
    const before = start(1, { stopGrace: '2s' })
    await before.ready
    await before.stop()
    expect(before.logged()).toContain('agent leaves chunks in the spool')
    engine.remove(container)
    const receiver = await startReceiver()
    const after = start(receiver.port)
    await messages(receiver, ['one'])
    await after.stop()
  })

  it('sends another store what Docker still holds, and goes on with the first one where that was', async () => {
    const receiver = await startReceiver()
    const container = engine.container()
    container.write('one')
    const agent = start(receiver.port)
    await messages(receiver, ['one'])
    receiver.moveTo({ id: 'B', epoch: 1 })
    await messages(receiver, ['one', 'one'])
    container.write('two')
    await messages(receiver, ['one', 'one', 'two'])
    receiver.moveTo({ id: 'A', epoch: 1 })
    await messages(receiver, ['one', 'one', 'two', 'two'])
    await agent.stop()
    expect(agent.logged().filter((message) => message.startsWith('store changed'))).toHaveLength(2)
  })

  it('sends another store all that was wanted at first sight, however long ago that was', async () => {
    const receiver = await startReceiver()
    const container = engine.container()
    container.write('too old', { time: now() - 10n ** 9n })
    const agent = start(receiver.port, { backfill: '0s', stopGrace: '1s' })
    await vi.waitFor(() => expect(container.isFollowed).toBe(true))
    container.write('new', { time: now() })
    await messages(receiver, ['new'])
    await sleep(5)
    receiver.moveTo({ id: 'B', epoch: 1 })
    await messages(receiver, ['new', 'new'])
    await agent.stop()
  })

  it('takes the damage out of a spool in which it shows on the way, and reads Docker again', async () => {
    const container = engine.container()
    container.write('one')
    const before = start(1, { stopGrace: '300ms' })
    await before.ready
    await before.stop()
    damage(join(state, 'spool.db'))
    const receiver = await startReceiver()
    const after = start(receiver.port)
    await messages(receiver, ['one'])
    await after.stop()
    expect(after.logged().filter((line) => line.startsWith('spool was damaged'))).toHaveLength(1)
    expect(readdirSync(state)).not.toContain('spool.db.damaged')
    expect(new Set(messagesOf(receiver))).toEqual(new Set(['one']))
  })

  it('gives up with SWARMLOGS_LOCKED while another agent has the state folder', async () => {
    const receiver = await startReceiver()
    const first = start(receiver.port)
    await first.ready
    const second = start(receiver.port, { lockWait: '300ms' })
    await expect(second.done).rejects.toMatchObject({ code: 'SWARMLOGS_LOCKED' })
    await first.stop()
    const lock = await acquireLock({ dir: state, waitMs: 0, signal: new AbortController().signal, log: silent })
    lock.release()
  })

  it('refuses the spool of a newer agent', async () => {
    const before = start(1, { stopGrace: '300ms' })
    await before.ready
    await before.stop()
    const path = join(state, 'spool.db')
    const bytes = readFileSync(path)
    bytes.writeUInt32BE(99, 60)
    writeFileSync(path, bytes)
    await expect(start(1).done).rejects.toMatchObject({ code: 'SWARMLOGS_STORE_NEWER' })
  })

  it('reads the last words of a container that dies while the agent stops', async () => {
    const receiver = await startReceiver()
    const container = engine.container()
    container.write('one')
    const agent = start(receiver.port)
    await messages(receiver, ['one'])
    const stopped = agent.stop()
    container.kill('15')
    container.write('last words')
    container.die()
    await stopped
    expect(messagesOf(receiver)).toEqual(['one', 'last words'])
  })
})

function start(port: number, flags: Record<string, unknown> = {}) {
  const { log, lines } = recordingLog()
  const stop = new AbortController()
  const ready = Promise.withResolvers<unknown>()
  const common = { docker: engine.host, server: `127.0.0.1:${port}`, state, backfill: '1000w' }
  const config = agentConfig({ ...common, ...flags }, {})
  const done = runAgent(config, log, stop.signal, ready.resolve)
  done.catch(() => {})
  onTestFinished(async () => {
    stop.abort()
    await done.catch(() => {})
  })
  return {
    ready: ready.promise,
    done,
    logged: () => lines.map((line) => String(line.msg)),
    async stop() {
      stop.abort()
      await done
    },
  }
}

const now = () => BigInt(Date.now()) * 1_000_000n

const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true })

/** Messages of all lines that came, in the order they came. */
function messagesOf(receiver: Receiver): string[] {
  const bodies = receiver.frames.filter(([tag]) => tag === 'swarmlogs.records').map(([, body]) => body as Buffer)
  const entries = bodies.flatMap((body): [unknown, OwnEntry][] => entriesOf(zstdDecompressSync(body)))
  return entries.map(([, entry]) => entry.m)
}

/** Resolves when these messages have come, and fails when others have. */
async function messages(receiver: Receiver, wanted: readonly string[]): Promise<void> {
  await receiver.until(() => messagesOf(receiver).length >= wanted.length)
  expect(messagesOf(receiver)).toEqual(wanted)
}

function damage(path: string): void {
  const database = new DatabaseSync(path)
  database.exec('UPDATE checkpoints SET crc = crc + 1; UPDATE chunks SET crc = crc + 1')
  database.close()
}

/** A chunk may hold gaps only. */
function entriesOf(bytes: Buffer): [unknown, OwnEntry][] {
  return bytes.length === 0 ? [] : unpackr.unpackMultiple(bytes)
}
