import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Store } from '../../../server/store/store.ts'
import { DAY, NOON, recordOf, streamOf } from './records.ts'

const DAY_MS = 86_400_000
/** Lines of an append. */
export const PER_APPEND = 100

/** A store whose past days can be archived. */
type Sealing = Pick<Store, 'append'> & { runSealing(nowMs: number): Promise<void> }

/**
 * What a server does that a test kills: appends lines of two past days, and archives both all the time, late lines included. Prints, for each
 * append that was acked, the number of the first line behind it. Never ends.
 */
export async function writeAndSeal(store: Sealing, start: number): Promise<void> {
  const stream = streamOf('crash')
  void sealAllTheTime(store)
  for (let first = start; ; first += PER_APPEND) {
    const records = Array.from({ length: PER_APPEND }, (_, index) => {
      const number = first + index
      const time = NOON + BigInt(number) * 1_000_000n - (number % 2 === 0 ? DAY : 0n)
      return recordOf(stream, { time, message: `${number} ${'x'.repeat(number % 700)}` })
    })
    await store.append(records)
    process.stdout.write(`${first + PER_APPEND}\n`)
  }
}

async function sealAllTheTime(store: Sealing): Promise<void> {
  // To it all lines are old, and have been there for long.
  for (;;) {
    await store.runSealing(Date.now() + 2 * DAY_MS)
    await nextTurn()
  }
}
