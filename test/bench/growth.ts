/*
 * How long the last 100 lines of a service in ten minutes take as the embedded store grows: node test/bench/growth.ts [millions of lines, 1,10,50] [FOLDER]
 * All sizes are of one day, so the ten minutes themselves hold more lines in the larger ones. A folder that is given is filled once and kept.
 */
import { join } from 'node:path'
import { pino } from 'pino'
import { openStore } from '../../server/store/open.ts'
import { quantile, report, withFolder } from './measure.ts'
import { filled } from './search-lines.ts'

const [, , sizes = '1,10,50', folder] = process.argv
const ROUNDS = 200
const MINUTE = 60_000_000_000n
const FILTER = { services: ['app3'], stacks: [], tasks: [], nodes: [], containers: [], sources: [], grep: '' }

if (folder === undefined) await withFolder((own) => measure(own))
else await measure(folder)

async function measure(dir: string): Promise<void> {
  const medians: number[] = []
  for (const millions of sizes.split(',').map(Number)) medians.push(await median(dir, millions))
  const [first = 1] = medians
  const texts = medians.map((ms, index) => `${sizes.split(',')[index]} M: ${ms.toFixed(1)} ms`)
  report(
    'last 100 of a service, largest / smallest store',
    `${((medians.at(-1) ?? 0) / first).toFixed(2)} (${texts.join(', ')})`,
    'at most 1.3',
  )
}

/** Milliseconds that the question takes of a store of so many lines. */
async function median(dir: string, millions: number): Promise<number> {
  const files = await filled(join(dir, `${millions}m`), millions * 1e6)
  const store = await openStore({ dir: files.store, retentionMs: 30 * 86_400_000, log: pino({ level: 'warn' }) })
  let end = 0n
  for (const { last } of await store.streams()) if (last > end) end = last
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now()
    const query = { order: 'desc', limit: 100, since: end - 10n * MINUTE, until: end + 1n, filter: FILTER } as const
    for await (const batch of store.search(query)) void batch
    times.push(performance.now() - started)
  }
  await store.close()
  return quantile(times.slice(ROUNDS / 10), 0.5)
}
