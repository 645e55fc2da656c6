/*
 * A writer that a test kills: appends batches to the store in the folder given and prints, for each one that was acked, the number of
 * the first line behind it. Starts at the number given.
 */
import { pino } from 'pino'
import { openStore } from '../../../server/store/open.ts'
import { NOON, recordOf, SECOND, streamOf } from './records.ts'

const [dir = '', start = '0'] = process.argv.slice(2)
const store = await openStore({
  dir,
  retentionMs: 30 * 86_400_000,
  segmentBytes: 2 ** 20,
  log: pino({ level: 'silent' }),
})
const stream = streamOf('crash')
for (let first = Number(start); ; first += 300) {
  const records = Array.from({ length: 300 }, (_, index) => {
    const number = first + index
    // Every batch goes over two days: two files, two commits, one ack.
    const time = NOON + BigInt(number) * 1_000_000n - (number % 2 === 0 ? 86_400n * SECOND : 0n)
    return recordOf(stream, { time, message: `${number} ${'x'.repeat(number % 700)}` })
  })
  await store.append(records)
  process.stdout.write(`${first + 300}\n`)
}
