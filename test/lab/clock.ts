import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { preload } from './preload.ts'

/** A wall clock that a test sets, for programs that are started with its environment; the monotonic one goes on as it does. */
export interface Clock {
  readonly env: Readonly<Record<string, string>>
  /** Puts it ahead by so many seconds, or back. */
  set(seconds: number): void
}

/** Makes a clock, which is right at first; its files live in the folder. */
export async function makeClock(folder: string): Promise<Clock> {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'offset')
  const bytes = Buffer.alloc(8)
  const set = (seconds: number) => {
    bytes.writeBigInt64LE(BigInt(seconds))
    // In place: programs have it mapped.
    writeFileSync(file, bytes, { flag: 'r+' })
  }
  writeFileSync(file, bytes)
  return { env: { LD_PRELOAD: await preload(folder, 'clock'), CLOCK_OFFSET: file }, set }
}
