/* A server that a test kills, on the store in the Elasticsearch given, with its archive in the folder: see seal-crash.ts. Starts at the number given. */
import { pino } from 'pino'
import { ArchivedElasticStore } from '../../../server/store/elasticsearch/archived.ts'
import { openStore } from '../../../server/store/open.ts'
import { writeAndSeal } from './seal-crash.ts'

const [url = '', prefix = '', dir = '', start = '0'] = process.argv.slice(2)
const store = await openStore({
  ...{ dir, retentionMs: 500 * 86_400_000, archive: { dir, afterMs: 0 } },
  elasticsearch: { urls: [url], prefix, replicas: 0 },
  log: pino({ level: 'silent' }),
})
if (!(store instanceof ArchivedElasticStore)) throw new Error('it does not archive')
await writeAndSeal(store, Number(start))
