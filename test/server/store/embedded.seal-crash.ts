/*
 * A server that a test kills: appends batches to the store in the folder given, lines of two past days, and archives both all the time,
 * late lines included. Prints, for each batch that was acked, the number of the first line behind it. Starts at the number given.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { pino } from 'pino'
import { EmbeddedStore } from '../../../server/store/embedded/store.ts'
import { DAY, NOON, recordOf, streamOf } from './records.ts'

const MONTH_MS = 30 * 86_400_000
const [dir = '', start = '0'] = process.argv.slice(2)
const log = pino({ level: 'silent' })
const store = await EmbeddedStore.open({ dir, retentionMs: MONTH_MS, archive: { afterMs: 0 }, log })
const stream = streamOf('crash')
void archive()
for (let first = Number(start); ; first += 100) {
  const records = Array.from({ length: 100 }, (_, index) => {
    const number = first + index
    const time = NOON + BigInt(number) * 1_000_000n - (number % 2 === 0 ? DAY : 0n)
    return recordOf(stream, { time, message: `${number} ${'x'.repeat(number % 700)}` })
  })
  await store.append(records)
  process.stdout.write(`${first + 100}\n`)
}

async function archive(): Promise<void> {
  // To it all lines are old, and have been there for long.
  for (;;) {
    await store.runSealing(Date.now() + MONTH_MS)
    await nextTurn()
  }
}
