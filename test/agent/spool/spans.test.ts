import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { SealedChunk } from '../../../agent/chunk.ts'
import { mend } from '../../../agent/spool/database.ts'
import type { Spool } from '../../../agent/spool.ts'
import { BEGINNING } from '../../../agent/tail/place.ts'
import { packOption } from '../../../shared/forward/encode.ts'
import { EntryPacker } from '../../../shared/forward/entries.ts'
import type { Source } from '../../../shared/record.ts'
import { lineOf, silent, streamOf, temporaryDir } from '../chunks.ts'
import { openSpool } from './opened.ts'

type Told = readonly [container: string, ms: number, source?: Source]

const { signal } = new AbortController()
const nanos = (ms: number) => String(BigInt(ms) * 1_000_000n)
const timeOf = (ms: number) => ({ seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1_000_000 })

/** A chunk of these lines, with the checkpoints that go with them. */
function chunkOf(lines: readonly Told[], progress: object = {}): SealedChunk {
  const containers = [...new Set(lines.map(([id]) => id))]
  const packer = new EntryPacker(1024)
  const checkpoints = new Map<string, Record<string, unknown>>()
  for (const [id, ms, source = 'stdout'] of lines) {
    const { seconds, nanos } = timeOf(ms)
    packer.add(lineOf('x', { seconds, nanos, source }), containers.indexOf(id))
    const live = { ...BEGINNING, last: { [source]: [seconds, nanos, 0] } }
    checkpoints.set(id, { format: 1, live, ...progress })
  }
  return {
    id: String(Math.random()),
    records: lines.length,
    body: zstdCompressSync(packer.bytes()),
    option: packOption({ format: 1, streams: containers.map(streamOf) }),
    ...{ containers, checkpoints },
  }
}

async function spoolOf(dir: string, chunks: readonly SealedChunk[]): Promise<Spool> {
  const spool = openSpool(dir)
  spool.useStore('A/1')
  for (const chunk of chunks) await spool.append(chunk, signal)
  return spool
}

/** Of the second chunk on, what was spooled of `c` when another store answered. */
async function spanOf(chunks: readonly SealedChunk[], acked: readonly number[] = [1]) {
  const spool = await spoolOf(temporaryDir(), chunks)
  for (const seq of acked) spool.remove(seq)
  spool.useStore('B/1')
  return spool.spooledElsewhere('c')
}

describe('what was spooled when another store answers', () => {
  const three = (progress: object = {}) =>
    [
      [1000, 2000],
      [3000, 4000],
      [5000, 6000],
    ].map((times) =>
      chunkOf(
        times.map((ms) => ['c', ms]),
        progress,
      ),
    )

  it('is known from the first line that was not acked to the last one', async () => {
    expect(await spanOf(three())).toEqual({ from: nanos(3000), to: nanos(6000) })
  })

  it('begins behind the first lines of both sources', async () => {
    const chunks = [
      chunkOf([['c', 1000]]),
      chunkOf([
        ['c', 3000],
        ['c', 3005, 'stderr'],
        ['c', 4000],
      ]),
    ]
    expect(await spanOf(chunks)).toEqual({ from: nanos(3005), to: nanos(4000) })
  })

  it('is known of each container, whichever chunk its first line is in', async () => {
    const chunks = [
      chunkOf([['d', 1000]]),
      chunkOf([['d', 3000]]),
      chunkOf([
        ['c', 5000],
        ['c', 6000],
      ]),
    ]
    expect(await spanOf(chunks)).toEqual({ from: nanos(5000), to: nanos(6000) })
  })

  it('begins behind the last chunk that was acked', async () => {
    expect(await spanOf(three(), [2])).toEqual({ from: nanos(5000), to: nanos(6000) })
  })

  it.each([
    ['the newest chunk was acked', three(), [3]],
    ['history was being read', three({ history: { size: 1 } }), [1]],
    ['an older agent did not say from when on lines are in order', three({ history: null }), [1]],
    ['all lines are from before they were in order', three({ history: null, orderedFrom: 7 }), [1]],
  ])('is not known when %s', async (_, chunks, acked) => {
    expect(await spanOf(chunks, acked)).toBeUndefined()
  })

  it('begins when lines came in order', async () => {
    expect(await spanOf(three({ history: null, orderedFrom: 4 }))).toEqual({ from: nanos(4000), to: nanos(6000) })
  })

  it('is not known of what a former process spooled: newer chunks may have been acked then', async () => {
    const dir = temporaryDir()
    const before = await spoolOf(dir, three())
    before.remove(3)
    before.close()
    const after = openSpool(dir)
    await after.append(chunkOf([['c', 7000]]), signal)
    await after.append(chunkOf([['c', 8000]]), signal)
    after.useStore('B/1')
    expect(after.spooledElsewhere('c')).toEqual({ from: nanos(7000), to: nanos(8000) })
  })

  it('is remembered over a restart, for that store alone', async () => {
    const dir = temporaryDir()
    const before = await spoolOf(dir, three())
    before.useStore('B/1')
    before.close()
    const after = openSpool(dir)
    expect(after.spooledElsewhere('c')).toBeDefined()
    after.useStore('C/1')
    expect(after.spooledElsewhere('c')).toBeUndefined()
    after.useStore('B/1')
    expect(after.spooledElsewhere('c')).toBeUndefined()
  })

  it('is forgotten when a chunk proves damaged', async () => {
    const dir = temporaryDir()
    const before = await spoolOf(dir, three())
    before.useStore('B/1')
    before.close()
    const database = new DatabaseSync(join(dir, 'spool.db'))
    database.exec('UPDATE chunks SET crc = crc + 1 WHERE seq = 2')
    database.close()
    mend(dir, silent, new Error('found damaged'))
    expect(openSpool(dir).spooledElsewhere('c')).toBeUndefined()
  })
})
