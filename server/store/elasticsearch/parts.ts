import { Retention } from '../../retention.ts'
import { Gate } from '../gate.ts'
import type { StoreIdentity } from '../store.ts'
import { Admission } from './admission.ts'
import { Bulk } from './bulk.ts'
import { Claim } from './claim.ts'
import { closeArchived } from './close-archived.ts'
import { Counts } from './counts.ts'
import { Freshness } from './freshness.ts'
import { Gaps } from './gaps.ts'
import { Guesses } from './guesses.ts'
import { Health } from './health.ts'
import { Indices } from './indices.ts'
import { Insist } from './insist.ts'
import { Names } from './names.ts'
import { Notes } from './notes.ts'
import type { ElasticOptions } from './options.ts'
import { Others } from './others.ts'
import { Requests } from './requests.ts'
import { setUp } from './setup.ts'
import { readUuids } from './sizes.ts'
import { Streams } from './streams.ts'
import { Watch } from './watch.ts'
import { Writer } from './writer.ts'

const MAX_SEARCHES = 32
const MAX_WAITING_SEARCHES = 256

/** What the store is made of. */
export interface Parts {
  readonly identity: StoreIdentity
  readonly options: ElasticOptions
  readonly names: Names
  readonly requests: Requests
  readonly notes: Notes
  readonly indices: Indices
  readonly streams: Streams
  readonly counts: Counts
  readonly freshness: Freshness
  readonly health: Health
  readonly writer: Writer
  readonly watch: Watch
  readonly others: Others
  readonly gaps: Gaps
  readonly gate: Gate
  readonly claim: Claim
  /** Aborted when the store must not wait for the cluster any more. */
  readonly closing: AbortController
}

/** Connects, sets up what is missing in the cluster and reads what is there. Throws as `setUp` does. */
export async function openParts(options: ElasticOptions): Promise<Parts> {
  const requests = new Requests(options)
  try {
    return await assemble(options, requests)
  } catch (error) {
    await requests.close()
    throw error
  }
}

async function assemble(options: ElasticOptions, requests: Requests): Promise<Parts> {
  const { log } = options
  const names = new Names(options.prefix ?? 'swarmlogs')
  const notes = new Notes(requests, names)
  const indices = new Indices(requests, names, options)
  const identity = await setUp({ options, requests, names, notes, indices })
  const claim = new Claim(notes, options.isGuest)
  await claim.look()
  const archive = await options.openArchive?.(claim)
  claim.open(archive?.absent)
  if (archive !== undefined) closeArchived({ names, indices, claim }, archive, await readUuids({ requests, names }))
  const closing = new AbortController()
  const retention = options.retention ?? Retention.same(options.retentionMs)
  const [streams, counts, freshness, health] = [new Streams(), new Counts(), new Freshness(requests), new Health(log)]
  const insist = new Insist(health, closing.signal)
  const guesses = new Guesses(notes)
  const admission = new Admission({ requests, notes, streams, indices, freshness, guesses, counts })
  const bulk = new Bulk({ requests, insist, health, indices })
  const gaps = new Gaps({ requests, bulk, insist, freshness, names, indices, log })
  const watch = new Watch({
    ...{ identity, options, requests, names, notes, indices, streams, counts, freshness, health, log, gaps, claim },
    retention,
  })
  const writer = new Writer({
    ...{ names, streams, indices, counts, freshness, admission, bulk, insist, health, log },
    meta: notes.index,
    retention,
    lastReceived: await watch.load(),
  })
  watch.start(writer)
  const gate = new Gate(MAX_SEARCHES, MAX_WAITING_SEARCHES)
  return {
    ...{ identity, options, names, requests, notes, indices, streams, counts, freshness, health },
    ...{ writer, watch, others: new Others({ requests, names, indices, watch }), gaps, gate, claim, closing },
  }
}
