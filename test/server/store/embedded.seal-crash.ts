/* A server that a test kills, on the store in the folder given: see seal-crash.ts. Starts at the number given. */
import { pino } from 'pino'
import { EmbeddedStore } from '../../../server/store/embedded/store.ts'
import { writeAndSeal } from './seal-crash.ts'

const [dir = '', start = '0'] = process.argv.slice(2)
const log = pino({ level: 'silent' })
const store = await EmbeddedStore.open({ dir, retentionMs: 30 * 86_400_000, archive: { afterMs: 0 }, log })
await writeAndSeal(store, Number(start))
