import { onTestFinished } from 'vitest'
import { Spool, type SpoolOptions } from '../../../agent/spool.ts'
import { silent } from '../chunks.ts'

const MAX_BYTES = 1 << 30

/** Opens a spool, which is closed with the test. */
export function openSpool(dir: string, options: Partial<SpoolOptions> = {}): Spool {
  const spool = new Spool({ dir, maxBytes: MAX_BYTES, log: silent, ...options })
  onTestFinished(() => {
    try {
      spool.close()
    } catch {
      // The test has closed it.
    }
  })
  return spool
}

/** Ids of the chunks that no server has acked, in order. */
export function idsIn(spool: Spool): string[] {
  const ids: string[] = []
  for (let chunk = spool.next(0); chunk !== undefined; chunk = spool.next(chunk.seq)) ids.push(chunk.id)
  return ids
}
