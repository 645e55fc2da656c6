import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Retention } from '../../../server/retention.ts'
import { EmbeddedStore } from '../../../server/store/embedded/store.ts'
import { DAY, linesOf, messages, NOON, streamOf } from './records.ts'

const DAY_MS = 86_400_000
const log = pino({ level: 'silent' })
const [WEB, DEBUG] = [streamOf('web'), streamOf('debug')]
const YESTERDAY = new Date(Number(NOON / 1_000_000n)).toISOString().slice(0, 10)

let dir: string
let store: EmbeddedStore
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'swarmlogs-sealing-'))
  store = await open()
})
afterEach(async () => {
  await store.close()
  await rm(dir, { recursive: true, force: true })
})

/** All lines for thirty days, but for those of debug: five. */
async function open(): Promise<EmbeddedStore> {
  const rules = [{ services: 'shop_debug', ms: 5 * DAY_MS }]
  const retention = new Retention({ defaultMs: 30 * DAY_MS, rules, log })
  retention.learn(() => undefined)
  const archive = { afterMs: DAY_MS }
  return EmbeddedStore.open({ dir, retentionMs: 30 * DAY_MS, retention, archive, lockWaitMs: 0, log })
}

async function reopen(): Promise<void> {
  await store.close()
  store = await open()
}

/** So many days after noon of yesterday. */
const later = (days: number): number => Number((NOON + BigInt(days) * DAY) / 1_000_000n)
const archived = async () => (await store.archive.list()).map(({ manifest }) => [manifest.generation, manifest.lines])
const segments = async () => (await readdir(join(dir, 'segments'))).filter((name) => name.endsWith('.duckdb'))

describe('an archived day', () => {
  beforeEach(async () => {
    await store.append([...linesOf(WEB, 100), ...linesOf(DEBUG, 50)])
    await store.runSealing(later(3))
    expect(await archived()).toEqual([[1, 150]])
  })

  it('is made anew without the lines of a service that has fewer days, unless it is on hold', async () => {
    await store.archive.keep([YESTERDAY], 'case 1')
    await store.runSealing(later(7))
    expect(await archived()).toEqual([[1, 150]])
    await store.archive.release([YESTERDAY])
    await store.runSealing(later(7))
    expect(await archived()).toEqual([[2, 100]])
    expect(await messages(store)).toHaveLength(100)
  })

  it('takes late lines in, and leaves them when it has gone', async () => {
    await store.append(linesOf(streamOf('late'), 10))
    await store.runSealing(later(3))
    expect(await archived()).toEqual([[2, 160]])
    await store.append(linesOf(streamOf('later'), 10))
    await store.archive.remove(YESTERDAY)
    expect(await messages(store)).toHaveLength(10)
    await reopen()
    expect(await archived()).toEqual([])
    expect(await messages(store)).toHaveLength(10)
  })

  it('takes the place of what it was made of, and of nothing else, when the store is opened anew', async () => {
    await store.append(linesOf(streamOf('late'), 10))
    const late = (await segments()).sort().at(-1) ?? ''
    await store.close()
    // As if the day had gone, and what came since had begun anew.
    await copyFile(join(dir, 'segments', late), join(dir, 'segments', `${YESTERDAY}.0.duckdb`))
    await rm(join(dir, 'segments', late))
    store = await open()
    expect(await messages(store)).toHaveLength(160)
  })
})

describe('a day on hold', () => {
  it('stays before it is archived, too, with all its lines', async () => {
    await store.append([...linesOf(WEB, 100), ...linesOf(DEBUG, 50)])
    await store.archive.keep([YESTERDAY], 'case 1')
    await store.runUpkeep(later(100))
    expect(await messages(store)).toHaveLength(150)
    await store.runSealing(later(100))
    expect(await archived()).toEqual([[1, 150]])
    await store.runUpkeep(later(100))
    expect(await messages(store)).toHaveLength(150)
  })
})

describe('sealing', () => {
  it('waits for a backup that holds a segment, and for nothing that it cannot', async () => {
    await store.append(linesOf(WEB, 100))
    const snapshot = await store.snapshot()
    await store.runSealing(later(3))
    expect(await archived()).toEqual([])
    await snapshot.close()
    await store.runSealing(later(3))
    expect(await archived()).toEqual([[1, 100]])
  })
})
