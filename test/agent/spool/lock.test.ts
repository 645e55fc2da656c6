import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { acquireLock } from '../../../agent/spool/lock.ts'
import { recordingLog, silent, temporaryDir } from '../chunks.ts'

const { signal } = new AbortController()

describe('acquireLock', () => {
  it('gives up with SWARMLOGS_LOCKED when another process keeps it, and says that it waits', async () => {
    const dir = temporaryDir()
    const holder = await holdIn(dir)
    const { log, lines } = recordingLog()
    await expect(acquireLock({ dir, waitMs: 300, signal, log })).rejects.toMatchObject({ code: 'SWARMLOGS_LOCKED' })
    expect(lines.map((line) => line.msg)).toEqual(['waiting for another agent to let go of the state folder'])
    holder.kill('SIGKILL')
  })

  it('takes it over when the other process is killed', async () => {
    const dir = temporaryDir()
    const holder = await holdIn(dir)
    const waiting = acquireLock({ dir, waitMs: 10_000, signal, log: silent })
    holder.kill('SIGKILL')
    ;(await waiting).release()
  })

  it('holds within one process too', async () => {
    const dir = temporaryDir()
    const lock = await acquireLock({ dir, waitMs: 0, signal, log: silent })
    await expect(acquireLock({ dir, waitMs: 0, signal, log: silent })).rejects.toMatchObject({
      code: 'SWARMLOGS_LOCKED',
    })
    lock.release()
    const again = await acquireLock({ dir, waitMs: 0, signal, log: silent })
    again.release()
  })

  it('stops waiting when it is told to', async () => {
    const dir = temporaryDir()
    const lock = await acquireLock({ dir, waitMs: 0, signal, log: silent })
    const stop = new AbortController()
    const waiting = acquireLock({ dir, waitMs: 60_000, signal: stop.signal, log: silent })
    stop.abort()
    await expect(waiting).rejects.toThrow()
    lock.release()
  })

  it('is not kept out by a lock file that holds garbage', async () => {
    const dir = temporaryDir()
    writeFileSync(join(dir, 'lock.db'), 'garbage '.repeat(1000))
    const lock = await acquireLock({ dir, waitMs: 0, signal, log: silent })
    lock.release()
  })
})

/** A process that holds the lock of a folder. */
async function holdIn(dir: string) {
  const writer = new URL('./writer.ts', import.meta.url).pathname
  const holder = spawn(process.execPath, [writer, dir], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => {
    holder.kill('SIGKILL')
  })
  await once(holder.stdout, 'data')
  return holder
}
