import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
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
const commitOf = async (of: EmbeddedStore): Promise<Commit> => {
  await of.noteOpening()
  const { openings, last } = lineageOf(of)
  return { opening: openings.at(-1)?.id ?? '', at: last }
}
const has = async (of: EmbeddedStore, commit: Commit) => {
  await of.noteOpening()
  return hasCommit(lineageOf(of).openings, commit)
}
/** Changes the catalog of a store that is closed. */
const change = async (...statements: readonly string[]) => {
  const instance = await DuckDBInstance.create(join(dir, 'data', 'catalog.duckdb'))
  const connection = await instance.connect()
  for (const statement of statements) await connection.run(statement)
  connection.closeSync()
  instance.closeSync()
}
/** What servers that knew of no openings did at each change. */
const FORGET = "DELETE FROM meta WHERE name NOT IN ('format', 'id', 'epoch', 'segments')"

describe('the openings of a store', () => {
  it('tell an older copy from the store, also when it has gone on', async () => {
    const first = await open()
    await first.append([recordOf(WEB)])
    const copied = await commitOf(first)
    await first.close()
    await cp(join(dir, 'data'), join(dir, 'copy'), { recursive: true })
    const second = await open()
    expect(await has(second, copied)).toBe(true)
    await second.append([recordOf(WEB, { ordinal: 1 })])
    const lost = await commitOf(second)
    await second.close()
    await rm(join(dir, 'data'), { recursive: true })
    await cp(join(dir, 'copy'), join(dir, 'data'), { recursive: true })
    const third = await open()
    await third.append([recordOf(WEB, { ordinal: 2 })])
    expect([await has(third, copied), await has(third, lost)]).toEqual([true, false])
  })

  it('tell one that was copied while it was open', async () => {
    const first = await open()
    await first.append([recordOf(WEB)])
    await cp(join(dir, 'data'), join(dir, 'copy'), { recursive: true })
    const copied = await commitOf(first)
    await first.append([recordOf(WEB, { ordinal: 1 })])
    const lost = await commitOf(first)
    await first.close()
    await rm(join(dir, 'data'), { recursive: true })
    await cp(join(dir, 'copy'), join(dir, 'data'), { recursive: true })
    const second = await open()
    expect([await has(second, copied), await has(second, lost)]).toEqual([true, false])
  })

  it('tell one that was copied while it was open, and went on alone', async () => {
    const first = await open()
    await first.append([recordOf(WEB)])
    await commitOf(first)
    await cp(join(dir, 'data'), join(dir, 'copy'), { recursive: true })
    await first.append([recordOf(WEB, { ordinal: 1 })])
    const lost = await commitOf(first)
    await first.close()
    await rm(join(dir, 'data'), { recursive: true })
    await cp(join(dir, 'copy'), join(dir, 'data'), { recursive: true })
    const alone = await open()
    await alone.append([recordOf(WEB, { ordinal: 2 })])
    await alone.close()
    expect(await has(await open(), lost)).toBe(false)
  })

  it('know a commit of which retention has left nothing', async () => {
    const now = BigInt(Date.now()) * 1_000_000n
    const first = await open()
    await first.append([recordOf(WEB, { time: now })])
    await first.append([recordOf(WEB, { time: now - 5n * DAY })])
    const commit = await commitOf(first)
    await first.runUpkeep(Date.now() + 26 * DAY_MS)
    expect(first.status().segments).toBe(1)
    await first.close()
    expect(await has(await open(), commit)).toBe(true)
  })

  it('know a commit after an append that stored nothing', async () => {
    const first = await open()
    const { received } = await first.append([recordOf(WEB)])
    expect(await first.append([recordOf(WEB)])).toMatchObject({ stored: [], duplicates: 1 })
    expect(first.lastReceived).toBe(received)
    const commit = await commitOf(first)
    await first.close()
    expect(await has(await open(), commit)).toBe(true)
  })

  it('are not forgotten for starts in which nothing came, nor for a new engine', async () => {
    const first = await open()
    await first.append([recordOf(WEB)])
    const commit = await commitOf(first)
    await first.close()
    for (let start = 0; start < 3; start++) {
      const failed = await open()
      expect(failed.lineage).toBeUndefined()
      await failed.close()
    }
    const last = await open()
    const later = await commitOf(last)
    await last.recover()
    expect(await has(last, commit)).toBe(true)
    expect(lineageOf(last).openings.map(({ id }) => id)).toEqual([commit.opening, later.opening])
  })

  it('are there again after a server that does not know of them', async () => {
    const first = await open()
    await first.append([recordOf(WEB)])
    const commit = await commitOf(first)
    await first.close()
    await change(FORGET)
    const second = await open()
    expect(await has(second, commit)).toBe(true)
    expect(lineageOf(second).openings).toHaveLength(2)
  })

  it('are taken over from where they were kept before', async () => {
    const first = await open()
    await first.append([recordOf(WEB)])
    const commit = await commitOf(first)
    await first.close()
    const moved = "('openings', 'received')"
    await change(
      `INSERT INTO meta SELECT name, json_extract_string(value, '$') FROM saved WHERE name IN ${moved}`,
      `DELETE FROM saved WHERE name IN ${moved}`,
    )
    const second = await open()
    expect(await has(second, commit)).toBe(true)
    expect(lineageOf(second).openings[0]?.id).toBe(commit.opening)
  })
})
