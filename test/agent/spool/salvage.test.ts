import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { keepMark } from '../../../agent/report/kept-mark.ts'
import { mend } from '../../../agent/spool/database.ts'
import { chunkOf, silent, streamOf, temporaryDir } from '../chunks.ts'
import { idsIn, openSpool } from './opened.ts'

const { signal } = new AbortController()
const STORED = 1_700_000_000_000_000_000n
const cause = new Error('found damaged')
const head = { at: [1, 0], print: 7 }

describe('a spool with a damaged row', () => {
  it('loses that chunk alone, and has its container read again from what is stored on', async () => {
    const dir = await filled()
    change(dir, 'UPDATE chunks SET body = zeroblob(length(body)) WHERE seq = 7')
    expect(mend(dir, silent, cause)).toBe(true)
    const spool = openSpool(dir)
    expect(idsIn(spool)).toEqual(ids.filter((id) => id !== 'chunk7'))
    expect([spool.store, spool.kept('watermark') !== undefined, spool.since]).toEqual(['A/1', true, '5'])
    expect(spool.checkpoint('c7')).toEqual({
      ...{ format: 1, horizon: [0, 0], stream: streamOf('c7'), born: '5', started: '6' },
      lost: { head, from: String(STORED) },
    })
    expect(spool.checkpoint('c8')).toEqual(checkpointOf('c8'))
    expect(readdirSync(dir)).not.toContain('spool.db.damaged')
    spool.close()
    expect(mend(dir, silent, cause)).toBe(false)
  })

  it('has a container that lags read again from its own watermark on', async () => {
    const dir = await filled(new Map([['c3', STORED - 5n]]))
    change(dir, 'UPDATE chunks SET crc = crc + 1 WHERE seq = 3')
    mend(dir, silent, cause)
    expect(openSpool(dir).checkpoint('c3')).toMatchObject({ lost: { from: String(STORED - 5n) } })
  })

  it('has all containers read again when the chunk does not say of which it is', async () => {
    const dir = await filled()
    change(dir, `UPDATE chunks SET containers = '["c' WHERE seq = 7`)
    mend(dir, silent, cause)
    const spool = openSpool(dir)
    expect([idsIn(spool).length, ...['c1', 'c7', 'c20'].map((id) => 'lost' in (spool.checkpoint(id) ?? {}))]).toEqual([
      ...[19, true, true, true],
    ])
  })

  it('loses one checkpoint alone', async () => {
    const dir = await filled()
    change(dir, "UPDATE checkpoints SET checkpoint = '{}' WHERE container = 'c7'")
    const before = openSpool(dir)
    expect(() => before.checkpoint('c7')).toThrow(expect.objectContaining({ code: 'SWARMLOGS_STORE_DAMAGED' }))
    before.close()
    expect(mend(dir, silent, cause)).toBe(true)
    const spool = openSpool(dir)
    // Nobody knows what it was of.
    expect(spool.since).toBe('')
    expect([idsIn(spool), spool.checkpoint('c7'), spool.checkpoint('c8')]).toEqual([ids, undefined, checkpointOf('c8')])
  })
})

describe('a spool with a torn page', () => {
  it('is made anew of what can be read, and all that it is of is read again', async () => {
    const dir = await filled(new Map(), 30_000)
    const path = join(dir, 'spool.db')
    // A page of the table of chunks, which has one or two on each.
    const bytes = readFileSync(path)
    const page = Math.floor(bytes.lastIndexOf('chunk11') / 16_384)
    writeFileSync(path, bytes.fill(0xa5, page * 16_384, (page + 1) * 16_384))
    // As when it shows while the agent runs.
    expect(mend(dir, silent, cause)).toBe(true)
    const spool = openSpool(dir)
    const left = idsIn(spool)
    expect(left.length).toBeGreaterThan(10)
    expect(left.length).toBeLessThan(20)
    expect(left).not.toContain('chunk11')
    expect([spool.store, spool.kept('watermark') !== undefined, spool.since]).toEqual(['A/1', true, ''])
    for (let n = 1; n <= 20; n++) expect(spool.checkpoint(`c${n}`)).toMatchObject({ lost: { from: String(STORED) } })
    expect(readdirSync(dir)).toContain('spool.db.damaged')
    expect(statSync(path).size).toBeGreaterThan(0)
  })
})

const ids = Array.from({ length: 20 }, (_, index) => `chunk${index + 1}`)

/** A spool of twenty chunks, of a container each. */
async function filled(behind = new Map<string, bigint>(), bytes = 100): Promise<string> {
  const dir = temporaryDir()
  const spool = openSpool(dir)
  spool.useStore('A/1')
  spool.listed(5n)
  for (const [index, id] of ids.entries()) {
    const container = `c${index + 1}`
    const chunk = { ...chunkOf(id, ['x'], 0, container), body: Buffer.alloc(bytes, container) }
    await spool.append({ ...chunk, checkpoints: new Map([[container, checkpointOf(container)]]) }, signal)
  }
  keepMark(spool, { upTo: STORED, behind, services: new Map() })
  spool.close()
  return dir
}

function checkpointOf(container: string) {
  const stream = streamOf(container)
  return { format: 1, live: { prints: [1] }, history: null, horizon: [0, 0], head, stream, born: '5', started: '6' }
}

function change(dir: string, sql: string): void {
  const database = new DatabaseSync(join(dir, 'spool.db'))
  database.exec(sql)
  database.close()
}
