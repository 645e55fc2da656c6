import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, it } from 'vitest'
import { openStore } from '../../../server/store/open.ts'
import type { Store } from '../../../server/store/store.ts'
import { DAY, messages, NOON, recordOf, streamOf } from '../store/records.ts'
import { useShelf } from './s3-under-test.ts'

const lab = useShelf('proxy')

it('archives days to S3, reads them from there, and has them again when the machine is lost', async () => {
  const open = () =>
    openStore({
      ...{ dir: join(lab.dir, 'data'), retentionMs: 30 * 86_400_000, lockWaitMs: 0, log: pino({ level: 'silent' }) },
      archive: { afterMs: 0, s3: lab.config(), cacheBytes: 1 },
    })
  let store = await open()
  const stream = streamOf('web')
  await store.append([
    recordOf(stream, { time: NOON - DAY, message: 'first' }),
    recordOf(stream, { time: NOON, message: 'second' }),
  ])
  await seal(store)
  expect((await lab.listed()).map(({ name }) => name.replace(/^.*\.1\//, ''))).toEqual([
    ...['lines-00001.parquet', 'manifest.json', 'words'],
    ...['lines-00001.parquet', 'manifest.json', 'words', 'id'],
  ])
  expect(await messages(store)).toEqual(['first', 'second'])
  await store.close()
  rmSync(join(lab.dir, 'data'), { recursive: true })
  store = await open()
  expect(await messages(store)).toEqual(['first', 'second'])
  await store.archive?.remove(new Date(Number((NOON - DAY) / 1_000_000n)).toISOString().slice(0, 10))
  await expect.poll(async () => (await lab.listed()).length).toBe(4)
  expect(await messages(store)).toEqual(['second'])
  await store.close()
})

/** Archives whatever is there. */
async function seal(store: Store): Promise<void> {
  if (!('runSealing' in store) || typeof store.runSealing !== 'function') throw new Error('it cannot be archived')
  await store.runSealing(Date.now() + 2 * 86_400_000)
}
