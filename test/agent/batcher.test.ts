import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { Unpackr } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { batcher } from '../../agent/batcher.ts'
import type { SealedChunk } from '../../agent/chunk.ts'
import type { TailBatch } from '../../agent/line.ts'
import type { OwnEntry, RecordsOption } from '../../shared/forward/own.ts'
import type { GapBounds } from '../../shared/gap.ts'
import { all, batchOf } from './chunks.ts'

const hungry = { isHungry: () => true }

describe('batcher', () => {
  it('keeps all lines in order, each with its container, and the last checkpoint of each', async () => {
    const batches = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.array(fc.string(), { maxLength: 20 })), {
      maxLength: 20,
    })
    await fc.assert(
      fc.asyncProperty(batches, fc.integer({ min: 50, max: 400 }), async (wanted, targetBytes) => {
        const source = wanted.map(([id, texts], n) => batchOf(id, texts, n))
        const chunks = await all(batcher(from(source), { ...hungry, targetBytes }))
        const got = chunks.flatMap(linesOf)
        expect(got).toEqual(wanted.flatMap(([id, texts]) => texts.map((text) => `${id} ${text}`)))
        const checkpoints = new Map(chunks.flatMap((chunk) => [...chunk.checkpoints]))
        expect(checkpoints).toEqual(new Map(wanted.map(([id], n) => [id, { n }])))
      }),
      { numRuns: 50 },
    )
  })

  it('seals a lone line within 50 ms though the source stays open', async () => {
    const source = openSource([batchOf('a', ['alone'])])
    const chunks = batcher(source.batches, hungry)
    const started = performance.now()
    const first = await chunks.next()
    expect(performance.now() - started).toBeLessThan(50)
    expect(linesOf(first.value)).toEqual(['a alone'])
    source.close()
    expect((await chunks.next()).done).toBe(true)
  })

  it('lets a batch grow while the forwarder is busy, and seals it when that gets hungry', async () => {
    let isHungry = false
    const source = openSource([batchOf('a', ['one'])])
    const chunks = batcher(source.batches, { isHungry: () => isHungry })
    const first = chunks.next()
    await delay(30)
    source.push(batchOf('b', ['two']))
    await delay(30)
    isHungry = true
    expect(linesOf((await first).value)).toEqual(['a one', 'b two'])
    source.close()
  })

  it('holds a line for a second at most', async () => {
    const source = openSource([batchOf('a', ['one'])])
    const started = performance.now()
    const first = await batcher(source.batches, { isHungry: () => false }).next()
    expect(performance.now() - started).toBeLessThan(1500)
    expect(linesOf(first.value)).toEqual(['a one'])
    source.close()
  })

  it('lets the checkpoint of a batch over the limit travel with its last line', async () => {
    const texts = Array.from({ length: 100 }, () => 'x'.repeat(100))
    const chunks = await all(batcher(from([batchOf('a', texts, 7)]), { ...hungry, targetBytes: 1000 }))
    expect(chunks.length).toBeGreaterThan(2)
    expect(chunks.map((chunk) => chunk.checkpoints.size)).toEqual([...chunks.slice(1).map(() => 0), 1])
    expect(chunks.every((chunk) => chunk.containers[0] === 'a')).toBe(true)
  })

  it('carries a checkpoint that comes without lines', async () => {
    const [chunk] = await all(batcher(from([batchOf('a', [], 3)]), hungry))
    expect([chunk?.records, chunk?.checkpoints.get('a')]).toEqual([0, { n: 3 }])
  })

  it('seals gaps though they come without lines, and those of a batch with its last line', async () => {
    const gap: GapBounds = { from: 5n, to: 7n, reason: 'rotated', atLeast: 0 }
    const told = { ...batchOf('a', [], 3), gaps: [gap] }
    const [alone] = await all(batcher(from([told]), hungry))
    expect([alone?.records, alone?.gaps, alone?.containers]).toEqual([0, 1, ['a']])
    expect(optionOf(alone as SealedChunk).gaps).toEqual([{ s: 0, f: '5', t: '7', r: 'rotated', n: 0 }])
    const texts = Array.from({ length: 100 }, () => 'x'.repeat(100))
    const long = { ...batchOf('b', texts, 7), gaps: [{ ...gap, atMost: 9 }] }
    const chunks = await all(batcher(from([batchOf('a', ['one']), long]), { ...hungry, targetBytes: 1000 }))
    expect(chunks.map(({ gaps }) => gaps)).toEqual([...chunks.slice(1).map(() => 0), 1])
    const { streams, gaps } = optionOf(chunks.at(-1) as SealedChunk)
    expect(streams[gaps?.[0]?.s ?? -1]?.containerId).toBe('b')
    expect(gaps?.[0]?.x).toBe(9)
  })

  it('gives changed labels of a container their own place', async () => {
    const before = batchOf('a', ['one'])
    const renamed = { ...before, stream: { ...before.stream, containerName: 'other' } }
    const [chunk] = await all(batcher(from([before, renamed, { ...before }]), hungry))
    expect(optionOf(chunk as SealedChunk).streams.map((stream) => stream.containerName)).toEqual([
      'name-of-a',
      'other',
      'name-of-a',
    ])
  })

  it('never uses an id twice', async () => {
    const chunks = await all(batcher(from(Array(50).fill(batchOf('a', ['x']))), { ...hungry, targetBytes: 1 }))
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(50)
  })

  it('passes on what makes its source fail', async () => {
    const failing = (async function* (): AsyncGenerator<TailBatch> {
      yield batchOf('a', ['one'])
      throw new Error('engine is gone')
    })()
    await expect(all(batcher(failing, hungry))).rejects.toThrow('engine is gone')
  })
})

const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true })

function optionOf(chunk: SealedChunk): RecordsOption {
  return unpackr.unpack(chunk.option)
}

function linesOf(chunk: SealedChunk): string[] {
  if (chunk.records === 0) return []
  const entries: [unknown, OwnEntry][] = unpackr.unpackMultiple(zstdDecompressSync(chunk.body))
  return entries.map(([, entry]) => `${optionOf(chunk).streams[entry.s]?.containerId} ${entry.m}`)
}

async function* from(batches: readonly TailBatch[]): AsyncGenerator<TailBatch> {
  yield* batches
}

/** A source that stays silent after what it was given until more is pushed. */
function openSource(given: readonly TailBatch[]) {
  const queue = [...given]
  const events = new EventTarget()
  let isClosed = false
  async function* batches(): AsyncGenerator<TailBatch> {
    for (;;) {
      const next = queue.shift()
      if (next !== undefined) yield next
      else if (isClosed) return
      else await once(events, 'change')
    }
  }
  return {
    batches: batches(),
    push(batch: TailBatch) {
      queue.push(batch)
      events.dispatchEvent(new Event('change'))
    },
    close() {
      isClosed = true
      events.dispatchEvent(new Event('change'))
    },
  }
}
