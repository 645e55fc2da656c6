import { zstdCompressSync } from 'node:zlib'
import { Unpackr } from 'msgpackr'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { SealedChunk } from '../../../agent/chunk.ts'
import { Spool } from '../../../agent/spool.ts'
import { packOption } from '../../../shared/forward/encode.ts'
import { EntryPacker } from '../../../shared/forward/entries.ts'
import type { RecordsOption } from '../../../shared/forward/own.ts'
import type { LogStream } from '../../../shared/record.ts'
import { lineOf, recordingLog, silent, streamOf, temporaryDir } from '../chunks.ts'

const { signal } = new AbortController()
const SECOND = 1_000_000_000

describe('a spool that drops the oldest', () => {
  it('keeps the newest lines, and exact gaps of the others, in order', async () => {
    const { log, lines } = recordingLog()
    const spool = open({ log })
    for (let n = 0; n < 20; n++) await spool.append(chunk(n, { a: [n * 10, n * 10 + 1], b: [n * 10 + 2] }), signal)
    const [gaps, ...kept] = chunksIn(spool)
    expect(kept.length).toBeGreaterThan(3)
    const lost = 20 - kept.length
    expect(kept.map(({ id }) => id)).toEqual(kept.map((_, n) => String(lost + n)))
    expect(spool.bytes).toBeLessThanOrEqual(spool.maxBytes)
    const last = (lost - 1) * 10
    expect(gapsOf(gaps)).toEqual([
      { container: 'a', f: at(0), t: at(last + 1), r: 'dropped', n: 2 * lost, x: 2 * lost },
      { container: 'b', f: at(2), t: at(last + 2), r: 'dropped', n: lost, x: lost },
    ])
    expect([spool.dropped, spool.waits, gaps?.records]).toEqual([lost, '', 0])
    expect(lines.filter(({ msg }) => String(msg).startsWith('spool is full'))).toHaveLength(1)
  })

  it('leaves what is on its way, and is unsure of what was', async () => {
    const spool = open()
    for (let n = 0; n < 3; n++) await spool.append(chunk(n, { a: [n] }), signal)
    spool.sending(1)
    spool.sending(2)
    while (spool.dropped === 0) await spool.append(chunk(spool.lastSeq, { a: [spool.lastSeq] }), signal)
    const lost = spool.dropped
    const ids = chunksIn(spool).map(({ id, records }) => (records === 0 ? 'gap' : id))
    expect(ids.slice(0, 4)).toEqual(['0', '1', 'gap', String(2 + lost)])
    const gap = { container: 'a', r: 'dropped' }
    expect(gapsOf(spool.next(2))).toEqual([{ ...gap, f: at(2), t: at(1 + lost), n: lost, x: lost }])
    spool.callBack()
    while (chunksIn(spool).some(({ id }) => id === '1')) await spool.append(chunk(spool.lastSeq, { a: [99] }), signal)
    expect(gapsOf(spool.next(0))).toEqual([{ ...gap, f: at(0), t: at(1), n: 0, x: 2 }])
  })

  it('waits while all is on its way', async () => {
    const spool = open({ maxBytes: 1000 })
    const stop = new AbortController()
    await spool.append(chunk(0, { a: [0] }), signal)
    spool.sending(1)
    const waiting = spool.append(chunk(1, { a: [1] }), stop.signal)
    expect(spool.waits).toBe('full')
    stop.abort()
    expect(await waiting).toBe(false)
  })

  it('keeps the gaps that a dropped chunk told of', async () => {
    const spool = open()
    const gap = { s: 0, f: '5', t: '6', r: 'rotated', n: 3 } as const
    await spool.append({ ...chunk(0, { a: [0] }, [gap]), gaps: 1 }, signal)
    while (spool.dropped < 2) await spool.append(chunk(spool.lastSeq, { a: [spool.lastSeq] }), signal)
    expect(gapsOf(spool.next(0)).map(({ r, n }) => [r, n])).toEqual([
      ['rotated', 3],
      ['dropped', spool.dropped],
    ])
  })

  it('tells apart what lies on both sides of lines that were stored', async () => {
    const spool = open()
    for (let n = 0; n < 4; n++) await spool.append(chunk(n, { a: [n * 10] }), signal)
    spool.remove(2)
    while (spool.dropped < 2) await spool.append(chunk(spool.lastSeq, { a: [spool.lastSeq * 10] }), signal)
    const gaps = chunksIn(spool).flatMap(gapsOf)
    const last = at(spool.dropped * 10)
    expect(gaps.map(({ f, t }) => [f, t])).toEqual([
      [at(0), at(0)],
      [at(20), last],
    ])
  })

  it('has its gaps after a restart, and adds to them', async () => {
    const dir = temporaryDir()
    const before = open({ dir })
    while (before.dropped < 3) await before.append(chunk(before.lastSeq, { a: [before.lastSeq] }), signal)
    const told = gapsOf(before.next(0))
    before.close()
    const after = open({ dir })
    expect(gapsOf(after.next(0))).toEqual(told)
    const [, oldest] = chunksIn(after)
    while (after.dropped === 0) await after.append(chunk(after.lastSeq, { a: [after.lastSeq] }), signal)
    // Nobody knows what the process before had sent.
    const gap = { container: 'a', f: at(Number(oldest?.id)), r: 'dropped', n: 0, x: after.dropped }
    expect(chunksIn(after).flatMap(gapsOf)).toEqual([...told, expect.objectContaining(gap)])
  })
})

function open(options: Partial<ConstructorParameters<typeof Spool>[0]> = {}): Spool {
  const spool = new Spool({ dir: temporaryDir(), maxBytes: 12_000, policy: 'drop-oldest', log: silent, ...options })
  onTestFinished(() => {
    try {
      spool.close()
    } catch {
      // The test has closed it.
    }
  })
  return spool
}

/** A chunk of lines by container, each a second; its size is about that of its gap three times. */
function chunk(id: number, lines: Record<string, readonly number[]>, gaps?: RecordsOption['gaps']): SealedChunk {
  const packer = new EntryPacker(1024)
  const containers = Object.keys(lines)
  for (const [index, seconds] of Object.values(lines).entries())
    for (const second of seconds) packer.add(lineOf(noise(), { seconds: second, nanos: 7 }), index)
  const records = Object.values(lines).flat().length
  const streams: LogStream[] = containers.map(streamOf)
  const option = packOption(gaps === undefined ? { format: 1, streams } : { format: 1, streams, gaps })
  const checkpoints = new Map(containers.map((container) => [container, { n: id }]))
  return { id: String(id), records, body: zstdCompressSync(packer.bytes()), option, containers, checkpoints }
}

function noise(): string {
  return Array.from({ length: 500 }, () => String.fromCharCode(33 + Math.floor(Math.random() * 90))).join('')
}

function at(second: number): string {
  return String(BigInt(second) * BigInt(SECOND) + 7n)
}

function chunksIn(spool: Spool) {
  const chunks = []
  for (let chunk = spool.next(0); chunk !== undefined; chunk = spool.next(chunk.seq)) chunks.push(chunk)
  return chunks
}

function gapsOf(chunk: { readonly option: Buffer } | undefined) {
  const { streams, gaps = [] } = new Unpackr({ useRecords: false }).unpack(
    chunk?.option ?? Buffer.alloc(0),
  ) as RecordsOption
  return gaps.map(({ s, ...gap }) => ({ container: streams[s]?.containerId, ...gap }))
}
