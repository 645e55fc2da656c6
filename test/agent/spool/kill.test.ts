import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { acquireLock } from '../../../agent/spool/lock.ts'
import { Spool } from '../../../agent/spool.ts'
import { silent, temporaryDir } from '../chunks.ts'

const WRITER = new URL('./writer.ts', import.meta.url).pathname

describe('a spool whose agent is killed', () => {
  it('has chunk and checkpoint agree after each of 50 kills, and its lock free', async () => {
    const dir = temporaryDir()
    let last = 0
    for (let kill = 0; kill < 50; kill++) {
      const writer = spawn(process.execPath, [WRITER, dir], { stdio: ['ignore', 'pipe', 'inherit'] })
      await once(writer.stdout, 'data')
      await delay((kill * 7) % 23)
      writer.kill('SIGKILL')
      await once(writer, 'exit')
      const lock = await acquireLock({ dir, waitMs: 0, signal: new AbortController().signal, log: silent })
      const spool = new Spool({ dir, maxBytes: 1 << 30, log: silent })
      const numbers = numbersIn(spool)
      const checkpoint = (spool.checkpoint('c1') ?? { n: 0 }) as { n: number }
      expect(numbers.at(-1) ?? 0).toBe(checkpoint.n)
      expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index))
      expect(checkpoint.n).toBeGreaterThanOrEqual(last)
      last = checkpoint.n
      spool.close()
      lock.release()
    }
    expect(last).toBeGreaterThan(100)
  }, 120_000)
})

function numbersIn(spool: Spool): number[] {
  const numbers: number[] = []
  for (let chunk = spool.next(0); chunk !== undefined; chunk = spool.next(chunk.seq)) numbers.push(Number(chunk.id))
  return numbers
}
