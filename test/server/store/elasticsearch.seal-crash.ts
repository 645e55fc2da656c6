/*
 * A server that a test kills: appends batches to the store in the Elasticsearch given, lines of two past days, and archives both all the time,
 * late lines included. Prints, for each batch that was acked, the number of the first line behind it. Starts at the number given.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { pino } from 'pino'
import { ArchivedElasticStore } from '../../../server/store/elasticsearch/archived.ts'
import { openStore } from '../../../server/store/open.ts'
import { DAY, NOON, recordOf, streamOf } from './records.ts'

const DAY_MS = 86_400_000
const [url = '', prefix = '', dir = '', start = '0'] = process.argv.slice(2)
const store = await openStore({
  ...{ dir, retentionMs: 500 * DAY_MS, archive: { dir, afterMs: 0 } },
  elasticsearch: { urls: [url], prefix, replicas: 0 },
  log: pino({ level: 'silent' }),
})
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
  while (store instanceof ArchivedElasticStore) {
    await store.runSealing(Date.now() + 2 * DAY_MS)
    await nextTurn()
  }
}
