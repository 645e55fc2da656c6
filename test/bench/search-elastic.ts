/*
 * The lines that search.ts looks through, in an Elasticsearch of its own.
 */
import { pino } from 'pino'
import { openStore } from '../../server/store/open.ts'
import type { Store } from '../../server/store/store.ts'
import type { LogRecord } from '../../shared/record.ts'
import { startElastic } from '../lab/elastic.ts'

const BATCH = 5_000
const WRITERS = 4

/** A store, and what ends it and its cluster. */
export interface Ended {
  readonly store: Store
  readonly end: () => Promise<void>
}

/** Starts an Elasticsearch with the same lines as another store. */
export async function inElastic(from: Store): Promise<Ended> {
  const elastic = await startElastic({ heap: '1g', isMeasured: true })
  const end = async (): Promise<void> => {
    await store.close()
    await elastic.stop()
  }
  const options = { dir: '', retentionMs: 30 * 86_400_000, log: pino({ level: 'warn' }) }
  const store = await openStore({ ...options, elasticsearch: { urls: elastic.urls, replicas: 0 } })
  const batches = batchesOf(from)
  const write = async (): Promise<void> => {
    for await (const batch of batches) await store.append(batch)
  }
  await Promise.all(Array.from({ length: WRITERS }, write))
  return { store, end }
}

/** All lines; several may take from it. */
async function* batchesOf(store: Store): AsyncGenerator<readonly LogRecord[]> {
  const filter = { services: [], stacks: [], tasks: [], nodes: [], containers: [], sources: [], grep: '' }
  let batch: LogRecord[] = []
  for await (const records of store.search({ order: 'asc', filter })) {
    batch.push(...records)
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
