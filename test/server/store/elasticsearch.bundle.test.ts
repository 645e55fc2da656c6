import { afterAll, beforeAll } from 'vitest'
import { type Elastic, startElastic } from '../../lab/elastic.ts'
import { answersTheSame } from '../bundle/same.ts'
import { openElastic } from './elasticsearch.ts'

let elastic: Elastic
beforeAll(async () => {
  elastic = await startElastic()
})
afterAll(async () => {
  await elastic.stop()
})

answersTheSame('Elasticsearch', () => openElastic(elastic.urls[0] ?? ''))
