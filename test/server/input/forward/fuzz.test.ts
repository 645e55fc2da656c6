import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ForeignRecords } from '../../../../server/input/forward/foreign-records.ts'
import { ForeignStreams } from '../../../../server/input/forward/foreign-streams.ts'
import { parseFrame } from '../../../../server/input/forward/frame.ts'
import { inflate } from '../../../../server/input/forward/inflate.ts'
import { FRAME_BYTES } from '../../../../server/input/forward/limits.ts'
import { OwnRecords } from '../../../../server/input/forward/own-records.ts'
import { OwnStreams } from '../../../../server/input/forward/own-streams.ts'
import { Partials } from '../../../../server/input/forward/partials.ts'
import { Refusal } from '../../../../server/input/forward/refusal.ts'
import { FrameScanner } from '../../../../server/input/forward/scanner.ts'
import { packOption } from '../../../../shared/forward/encode.ts'
import { EntryPacker } from '../../../../shared/forward/entries.ts'
import { RECORDS_TAG } from '../../../../shared/forward/own.ts'
import { at, frame } from './harness.ts'

const FRAMES = 200_000
const SEED = 20_261_121
const SECOND = 1_700_000_000
/** Bytes that mean much in msgpack: long lengths, deep nesting, the byte that is never used. */
const SHARP = [
  0x00, 0x80, 0x8f, 0x90, 0x91, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc4, 0xc6, 0xc7, 0xc9, 0xcf, 0xd7, 0xd9, 0xdb, 0xdc,
  0xdd, 0xde, 0xdf, 0xff,
]

/** A small, fast generator (mulberry32): the same numbers from 0 to below `bound` on every run. */
function numbers(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }
}

function ownFrame(): Buffer {
  const packer = new EntryPacker(1024)
  const line = { source: 'stderr', seconds: SECOND, nanos: 5, ordinal: 3, cutFrom: 7, headMissing: true } as const
  for (let index = 0; index < 5; index++) packer.add({ ...line, message: Buffer.from(`line ${index}`) }, index % 2)
  const labels = { containerId: 'abc', nodeId: 'n', nodeName: 'n', service: 's', slot: 1, attributes: { a: 'b' } }
  const option = packOption({ format: 1, streams: [labels, { ...labels, containerId: 'def' }] } as never)
  const head = Buffer.concat([frame('chunk'), frame('c'), frame('swarmlogs'), option])
  return Buffer.concat([Buffer.from([0x93]), frame(RECORDS_TAG), frame(packer.bytes()), Buffer.from([0x82]), head])
}

function seeds(): Buffer[] {
  const record = {
    container_id: 'c',
    container_name: '/web.1.abcdefghijklmnopqrstuvwxy',
    source: 'stdout',
    log: '{"level":30,"a":{"b":1}}',
    n: [1, -5, 2.5, null, true, { d: { e: 'f' } }],
  }
  const part = {
    log: 'x'.repeat(40),
    partial_message: 'true',
    partial_id: 'p',
    partial_ordinal: '1',
    partial_last: 'false',
  }
  const entries = [
    [at(SECOND, 1), record],
    [SECOND, part],
    [[at(SECOND, 2), { m: 1 }], { message: 'm' }],
  ]
  return [
    frame(['app', SECOND, record, { chunk: 'c', size: 1 }]),
    frame(['app', entries, { chunk: 'c', fluent_signal: 0 }]),
    frame(['app', Buffer.concat(entries.map(frame)), { chunk: 'c' }]),
    frame(['app', zstdCompressSync(Buffer.concat(entries.map(frame))), { compressed: 'zstd' }]),
    ownFrame(),
  ]
}

function mutate(seed: Buffer, other: Buffer, random: (bound: number) => number): Buffer {
  let bytes = Buffer.from(seed)
  for (let times = 1 + random(4); times > 0; times--) {
    const place = random(bytes.length)
    switch (random(6)) {
      case 0:
        bytes[place] = random(256)
        break
      case 1:
        bytes[place] = SHARP[random(SHARP.length)] ?? 0
        break
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + random(8))])
        break
      case 3:
        bytes = Buffer.concat([
          bytes.subarray(0, place),
          Buffer.alloc(random(9), SHARP[random(SHARP.length)]),
          bytes.subarray(place),
        ])
        break
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, place), other.subarray(random(other.length))])
        break
      default:
        bytes.writeUInt32BE(random(2) === 0 ? 0xffffffff : random(100), Math.max(0, Math.min(place, bytes.length - 4)))
    }
    if (bytes.length < 4) bytes = Buffer.from(seed)
  }
  return bytes
}

/** Takes a stream of bytes the way a connection does, with all of its decoders; counts what was understood. */
class Target {
  readonly counts = { frames: 0, records: 0, refused: 0, quarantined: 0 }
  readonly #partials = new Partials({ bytes: 0 })
  readonly #ownStreams = new OwnStreams()
  readonly #foreign = {
    sender: 's',
    streams: new ForeignStreams('s'),
    partials: this.#partials,
    quarantine: () => {
      this.counts.quarantined++
    },
  }

  async take(bytes: Buffer): Promise<void> {
    try {
      const scanner = new FrameScanner(FRAME_BYTES)
      for (const found of scanner.push(bytes)) await this.#frame(found)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      this.counts.refused++
    }
  }

  async #frame(bytes: Buffer): Promise<void> {
    const parsed = parseFrame(bytes)
    this.counts.frames++
    const { compression, body, own } = parsed
    const entries = compression === '' ? body : await inflate(compression, body, 1 << 20)
    if (entries === undefined) return
    const isOwn = parsed.tag === RECORDS_TAG && own !== undefined
    const source = isOwn
      ? new OwnRecords(entries, this.#ownStreams.read(own), this.#foreign.quarantine)
      : new ForeignRecords(parsed, entries, this.#foreign)
    while (!source.isDone) this.counts.records += source.next(1000).length
  }
}

describe('200,000 mutated frames', () => {
  it('crash nothing, hang nothing, and leave the memory flat', async () => {
    const random = numbers(SEED)
    const originals = seeds()
    const target = new Target()
    for (const original of originals) await target.take(original)
    expect(target.counts).toEqual({ frames: 5, records: 14, refused: 0, quarantined: 0 })
    let slowest = 0
    let before = 0
    for (let count = 0; count < FRAMES; count++) {
      if (count === FRAMES / 4) before = heapAndBuffers()
      const original = originals[random(originals.length)] ?? Buffer.alloc(0)
      const mutant = mutate(original, originals[random(originals.length)] ?? original, random)
      const started = performance.now()
      await target.take(mutant)
      slowest = Math.max(slowest, performance.now() - started)
    }
    const { frames, records, refused, quarantined } = target.counts
    expect([frames, records, refused, quarantined].every((number) => number > FRAMES / 100)).toBe(true)
    expect(slowest).toBeLessThan(5000)
    expect(heapAndBuffers() - before).toBeLessThan(16 << 20)
  }, 60_000)
})

/** Bytes that are really in use. */
function heapAndBuffers(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
