import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EmbeddedStore } from '../../../server/store/embedded/store.ts'
import type { Lineage } from '../../../server/store/store.ts'
import { type Commit, hasCommit } from '../../../shared/forward/lineage.ts'
import { DAY, recordOf, streamOf } from './records.ts'

const WEB = streamOf('web')
const DAY_MS = 86_400_000

let dir: string
let store: EmbeddedStore | undefined
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'swarmlogs-copy-'))
})
afterEach(async () => {
  await store?.close()
  await rm(dir, { recursive: true, force: true })
})

async function open(): Promise<EmbeddedStore> {
  const options = { dir: join(dir, 'data'), retentionMs: 30 * DAY_MS, lockWaitMs: 0, log: pino({ level: 'silent' }) }
  store = await EmbeddedStore.open(options)
  return store
}

const lineageOf = ({ lineage }: EmbeddedStore): Lineage => lineage ?? { openings: [], last: 0n }
/** What an agent keeps of an ack. */
const commitOf = (of: EmbeddedStore): Commit => {
  const { openings, last } = lineageOf(of)
  return { opening: openings.at(-1)?.id ?? '', at: last }
}
const has = (of: EmbeddedStore, commit: Commit) => hasCommit(lineageOf(of).openings, commit)

describe('the openings of a store', () => {
  it('tell an older copy from the store, also when it has gone on', async () => {
    const first = await open()
    await first.append([recordOf(WEB)])
    const copied = commitOf(first)
    await first.close()
    await cp(join(dir, 'data'), join(dir, 'copy'), { recursive: true })
    const second = await open()
    expect(has(second, copied)).toBe(true)
    await second.append([recordOf(WEB, { ordinal: 1 })])
    const lost = commitOf(second)
    await second.close()
    await rm(join(dir, 'data'), { recursive: true })
    await cp(join(dir, 'copy'), join(dir, 'data'), { recursive: true })
    const third = await open()
    await third.append([recordOf(WEB, { ordinal: 2 })])
    expect([has(third, copied), has(third, lost)]).toEqual([true, false])
  })

  it('tell one that was copied while it was open', async () => {
    const first = await open()
    await first.append([recordOf(WEB)])
    await cp(join(dir, 'data'), join(dir, 'copy'), { recursive: true })
    const copied = commitOf(first)
    await first.append([recordOf(WEB, { ordinal: 1 })])
    const lost = commitOf(first)
    await first.close()
    await rm(join(dir, 'data'), { recursive: true })
    await cp(join(dir, 'copy'), join(dir, 'data'), { recursive: true })
    const second = await open()
    expect([has(second, copied), has(second, lost)]).toEqual([true, false])
  })

  it('know a commit of which retention has left nothing', async () => {
    const now = BigInt(Date.now()) * 1_000_000n
    const first = await open()
    await first.append([recordOf(WEB, { time: now })])
    await first.append([recordOf(WEB, { time: now - 5n * DAY })])
    const commit = commitOf(first)
    await first.runUpkeep(Date.now() + 26 * DAY_MS)
    expect(first.status().segments).toBe(1)
    await first.close()
    expect(has(await open(), commit)).toBe(true)
  })
})
