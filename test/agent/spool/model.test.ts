import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { Unpackr } from 'msgpackr'
import { afterAll, describe, expect, it } from 'vitest'
import type { SealedChunk } from '../../../agent/chunk.ts'
import { mend, setAside } from '../../../agent/spool/database.ts'
import { isDamage } from '../../../agent/spool/sqlite.ts'
import { Spool } from '../../../agent/spool.ts'
import { packOption } from '../../../shared/forward/encode.ts'
import { EntryPacker } from '../../../shared/forward/entries.ts'
import { type Opening, withOpening } from '../../../shared/forward/lineage.ts'
import type { RecordsOption } from '../../../shared/forward/own.ts'
import type { SpoolPolicy } from '../../../shared/report.ts'
import { lineOf, silent, streamOf } from '../chunks.ts'
import { scratch } from './scratch.ts'

const folders = scratch()
afterAll(() => folders.clear())

type Step =
  | { readonly kind: 'append'; readonly container: number; readonly lines: number; readonly bytes: number }
  | { readonly kind: 'send' | 'ack'; readonly which: number }
  | { readonly kind: 'disconnect' | 'restart' | 'crash' | 'serve' | 'copy' | 'put back' }

const which = fc.nat({ max: 15 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      container: fc.nat({ max: 2 }),
      lines: fc.nat({ max: 4 }),
      bytes: fc.nat({ max: 1500 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('send' as const, 'ack' as const), which }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('disconnect' as const, 'restart' as const, 'crash' as const) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('serve' as const, 'copy' as const, 'put back' as const) }),
  },
)
const script = fc.array(step, { maxLength: 60, size: 'max' })
const damage = fc.record({
  file: fc.constantFrom('spool.db', 'spool.db-wal'),
  how: fc.constantFrom('flip' as const, 'cut' as const, 'zero' as const),
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
})

describe('the spool against a model of it', () => {
  it.each(['block', 'drop-oldest'] as const)(
    'loses no line and no gap through restarts, kills, and older copies of the store: %s',
    async (policy) => {
      await fc.assert(
        fc.asyncProperty(script, async (steps) => {
          const model = new Model(policy)
          try {
            for (const one of steps) await model.do(one)
          } finally {
            model.end()
          }
        }),
        { numRuns: 60 },
      )
    },
  )

  it('is never believed when its files are damaged: what it does not have is read again', async () => {
    await fc.assert(
      fc.asyncProperty(script, damage, async (steps, harm) => {
        const model = new Model('block')
        try {
          for (const one of steps) await model.do(one)
          model.harm(harm)
        } finally {
          model.end()
        }
      }),
      { numRuns: 120 },
    )
  })
})

/** A store: lines (container and number) and gaps that it has, when it was opened, and how many commits it has taken. */
interface Stored {
  readonly keys: Set<string>
  readonly openings: readonly Opening[]
  commits: bigint
}

const opened = ({ keys, openings, commits }: Stored, id: string): Stored => {
  return { keys: new Set(keys), openings: withOpening(openings, { id, from: commits }), commits }
}

/** A spool, the lines that it was given, and what became of them. */
class Model {
  readonly #policy: SpoolPolicy
  #dir = folders.make()
  #spool: Spool
  /** How many lines of each container were appended; line n of it has the time n. */
  readonly #appended = [0, 0, 0]
  #stored = opened({ keys: new Set(), openings: [], commits: 0n }, 'first')
  #copy: Stored | undefined
  #openings = 0
  #chunks = 0

  constructor(policy: SpoolPolicy) {
    this.#policy = policy
    this.#spool = this.#open()
    this.#connect()
  }

  async do(one: Step): Promise<void> {
    if (one.kind === 'append') await this.#append(one.container, one.lines, one.bytes)
    else if (one.kind === 'send') this.#pick(one.which, ({ seq }) => this.#spool.sending(seq))
    else if (one.kind === 'ack') this.#pick(one.which, (chunk) => this.#ack(chunk))
    else if (one.kind === 'disconnect') this.#spool.callBack()
    else if (one.kind === 'copy') this.#copy = { ...this.#stored, keys: new Set(this.#stored.keys) }
    else if (one.kind === 'serve') this.#serve(this.#stored)
    else if (one.kind === 'put back') this.#serve(this.#copy ?? this.#stored)
    else this.#reopen(one.kind)
    this.#check()
  }

  end(): void {
    try {
      this.#spool.close()
    } catch {
      // What failed before says more.
    }
  }

  /** Damages a file as it is after a kill; what the agent then does must lose nothing either. */
  harm({ file, how, at }: { file: string; how: 'flip' | 'cut' | 'zero'; at: number }): void {
    const doHarm = (dir: string) => {
      const path = join(dir, file)
      const bytes = readFileSync(path)
      const place = Math.floor(at * bytes.length)
      if (how === 'cut') truncateSync(path, place)
      else writeFileSync(path, harmed(bytes, place, how))
    }
    try {
      this.#reopen('crash', doHarm)
      this.#check()
    } catch (error) {
      if (!isDamage(error)) throw error
      this.#spool.close()
      if (!mend(this.#dir, silent, error)) setAside(this.#dir, silent, error)
      this.#spool = this.#open()
      this.#connect()
      this.#check()
    }
  }

  async #append(container: number, count: number, bytes: number): Promise<void> {
    const first = this.#appended[container] ?? 0
    const stop = new AbortController()
    const appending = this.#spool.append(chunkOf(++this.#chunks, container, first, count, bytes), stop.signal)
    if (this.#spool.waits !== '') stop.abort()
    if (await appending) this.#appended[container] = first + count
    expect(this.#spool.size === 1 || this.#spool.bytes <= this.#spool.maxBytes + 1000).toBe(true)
  }

  #pick(number: number, use: (chunk: { seq: number; records: number; option: Buffer; body: Buffer }) => void): void {
    const all = this.#held()
    const chunk = all[number % Math.max(1, all.length)]
    if (chunk !== undefined) use(chunk)
  }

  #ack(chunk: Parameters<typeof contentOf>[0] & { seq: number }): void {
    for (const key of contentOf(chunk)) this.#stored.keys.add(key)
    this.#stored.commits += 1n
    this.#spool.remove(chunk.seq, { opening: this.#stored.openings.at(-1)?.id ?? '', at: this.#stored.commits })
  }

  /** A server opens this store, and the agent connects. */
  #serve(store: Stored): void {
    this.#openings += 1
    this.#stored = opened(store, String(this.#openings))
    this.#spool.callBack()
    this.#connect()
  }

  /** What checkpoints do not stand for any more is read again. */
  #connect(): void {
    if (this.#spool.useStore('store', this.#stored.openings) === 'same') return
    for (let container = 0; container < 3; container++) this.#appended[container] = this.#checkpoint(container)
  }

  #checkpoint(container: number): number {
    return ((this.#spool.checkpoint(`c${container}`) ?? {}) as { n?: number }).n ?? 0
  }

  /** As after the agent was stopped, or killed: its files are then as they are in this moment. */
  #reopen(how: 'restart' | 'crash', meanwhile: (dir: string) => void = () => {}): void {
    const dir = how === 'crash' ? folders.make() : this.#dir
    if (how === 'crash') cpSync(this.#dir, dir, { recursive: true })
    this.#spool.close()
    if (how === 'crash') rmSync(this.#dir, { recursive: true })
    this.#dir = dir
    meanwhile(dir)
    this.#spool = this.#open()
    this.#connect()
  }

  #open(): Spool {
    return new Spool({ dir: this.#dir, maxBytes: 8_000, policy: this.#policy, log: silent })
  }

  /** Every line in front of a checkpoint is stored, here, or told as lost. */
  #check(): void {
    const there = new Set(this.#stored.keys)
    for (const chunk of this.#held()) for (const key of contentOf(chunk)) there.add(key)
    for (let container = 0; container < 3; container++) {
      const n = this.#checkpoint(container)
      for (let line = 0; line < n; line++) expect(there).toContain(`c${container} ${line}`)
    }
  }

  #held() {
    const all = []
    for (let chunk = this.#spool.next(0); chunk !== undefined; chunk = this.#spool.next(chunk.seq)) all.push(chunk)
    return all
  }
}

function harmed(bytes: Buffer, place: number, how: 'flip' | 'zero'): Buffer {
  if (how === 'zero') return bytes.fill(0, place, Math.min(bytes.length, place + 512))
  bytes[place] = (bytes[place] ?? 0) ^ (1 << (place % 8))
  return bytes
}

function chunkOf(id: number, container: number, first: number, count: number, bytes: number): SealedChunk {
  const packer = new EntryPacker(1024)
  const name = `c${container}`
  for (let n = first; n < first + count; n++) packer.add(lineOf(`${name} ${n}`, { seconds: n, nanos: 0 }), 0)
  const labels = { ...streamOf(name), tag: Array.from({ length: bytes }, () => Math.random().toString(36)[2]).join('') }
  return {
    ...{ id: String(id), records: count, containers: [name], body: zstdCompressSync(packer.bytes()) },
    option: packOption({ format: 1, streams: [labels] }),
    checkpoints: new Map([[name, { n: first + count }]]),
  }
}

const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number' })

/** The lines of a chunk, those told as lost included. */
function contentOf({ option, body, records }: { option: Buffer; body: Buffer; records: number }): string[] {
  const { streams, gaps = [] } = unpackr.unpack(option) as RecordsOption
  const lost = gaps.flatMap(({ s, f, t }) => {
    const [from, to] = [Number(BigInt(f) / 1_000_000_000n), Number(BigInt(t) / 1_000_000_000n)]
    return Array.from({ length: to - from + 1 }, (_, n) => `${streams[s]?.containerId} ${from + n}`)
  })
  return records === 0 ? lost : [...lost, ...linesIn(body)]
}

function linesIn(body: Buffer): string[] {
  const entries: [unknown, { m: string }][] = unpackr.unpackMultiple(zstdDecompressSync(body))
  return entries.map(([, { m }]) => m)
}
