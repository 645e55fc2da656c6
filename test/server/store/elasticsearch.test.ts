import { afterAll, beforeAll } from 'vitest'
import { type Elastic, startElastic } from '../../lab/elastic.ts'
import { storeContract } from './contract.ts'
import { openElastic } from './elasticsearch.ts'

let elastic: Elastic
beforeAll(async () => {
  elastic = await startElastic()
})
afterAll(async () => {
  await elastic.stop()
})

storeContract('elasticsearch', async () => openElastic(elastic.urls[0] ?? ''))
