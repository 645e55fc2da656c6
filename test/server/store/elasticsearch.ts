import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { openElasticStore } from '../../../server/store/elasticsearch/store.ts'
import type { StoreUnderTest } from './records.ts'

const MONTH_MS = 30 * 86_400_000

/** A store of a test's own in a cluster that others use, too: all its names begin with a prefix that nobody else has. */
export async function openElastic(
  url: string,
  options: { refreshMs?: number } = {},
): Promise<StoreUnderTest & { prefix: string }> {
  const prefix = `test-${randomBytes(6).toString('hex')}`
  const open = () =>
    openElasticStore({
      urls: [url],
      prefix,
      retentionMs: MONTH_MS,
      replicas: 0,
      log: pino({ level: process.env.TEST_LOG ?? 'silent' }),
      ...options,
    })
  const under = {
    prefix,
    store: await open(),
    reopen: async () => {
      await under.store.close()
      under.store = await open()
    },
    destroy: async () => {
      await under.store.close()
      await dropAll(url, prefix)
    },
  }
  return under
}

/** Deletes all that a prefix names; wildcards in a deletion may be forbidden. */
export async function dropAll(url: string, prefix: string): Promise<void> {
  const answer = await fetch(`${url}/${prefix}-*/_settings?filter_path=*.settings.index.uuid`)
  const indices = Object.keys(Object(await answer.json()))
  if (indices.length > 0) await fetch(`${url}/${indices.join(',')}`, { method: 'DELETE' })
  await fetch(`${url}/_index_template/${prefix}`, { method: 'DELETE' })
}
