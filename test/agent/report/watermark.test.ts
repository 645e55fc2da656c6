import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Lag, type Mark, type Sight, Watermark } from '../../../agent/report/watermark.ts'

const MARGIN = 10n

describe('Watermark', () => {
  it('moves on when all that was spooled by a sight is acked, not before', () => {
    const watermark = new Watermark()
    watermark.see(sight(100n, 5))
    watermark.settle({ taken: 4, lastSeq: 1, oldestSeq: undefined })
    expect(watermark.mark).toBeUndefined()
    watermark.settle({ taken: 5, lastSeq: 2, oldestSeq: 2 })
    expect(watermark.mark).toBeUndefined()
    watermark.settle({ taken: 9, lastSeq: 4, oldestSeq: 3 })
    expect(watermark.mark).toMatchObject({ upTo: 100n, behind: new Map() })
  })

  it('does not go back for a container that lags, but says nothing of one that is new', () => {
    const watermark = new Watermark({ upTo: 100n, behind: new Map([['slow', 30n]]), services: new Map() })
    const lags = { slow: [20n, false], quiet: [50n, false], new: [0n, true], ahead: [300n, false] } as const
    const behind = Object.entries(lags).map(([id, [upTo, isNew]]) => [id, { upTo, isNew, service: id }] as const)
    watermark.see({ upTo: 200n, handed: 0, behind: new Map(behind) })
    watermark.settle({ taken: 0, lastSeq: 0, oldestSeq: undefined })
    const own = new Map([
      ['slow', 30n],
      ['quiet', 100n],
      ['new', 0n],
    ])
    expect(watermark.mark).toMatchObject({ upTo: 200n, behind: own })
    expect(watermark.mark?.services.get('slow')).toBe('slow')
  })

  it('waits while more containers are behind than a report can name', () => {
    const watermark = new Watermark()
    const behind = Array.from({ length: 101 }, (_, n) => [String(n), { upTo: 0n, isNew: true, service: '' }] as const)
    watermark.see({ upTo: 1n, handed: 0, behind: new Map(behind) })
    watermark.settle({ taken: 0, lastSeq: 0, oldestSeq: undefined })
    expect(watermark.mark).toBeUndefined()
  })

  it('forgets sights, not what they wait for, when the server is away for long', () => {
    const watermark = new Watermark()
    for (let n = 1; n <= 1000; n++) {
      watermark.see(sight(BigInt(n), n))
      watermark.settle({ taken: n, lastSeq: n, oldestSeq: 1 })
    }
    watermark.settle({ taken: 1000, lastSeq: 1000, oldestSeq: 500 })
    expect(watermark.mark?.upTo).toBeGreaterThan(400n)
    expect(watermark.mark?.upTo).toBeLessThan(500n)
    watermark.settle({ taken: 1000, lastSeq: 1000, oldestSeq: undefined })
    expect(watermark.mark?.upTo).toBeGreaterThan(950n)
  })

  it('says nothing after the clock was put back until all is stored by the new time', () => {
    const hour = 3_600_000_000_000n
    const watermark = new Watermark({ upTo: 2n * hour, behind: new Map(), services: new Map() })
    watermark.see(sight(2n * hour - 1n, 0))
    expect(watermark.mark?.upTo).toBe(2n * hour)
    watermark.see(sight(hour, 5))
    expect(watermark.mark).toBeUndefined()
    watermark.settle({ taken: 5, lastSeq: 1, oldestSeq: 1 })
    expect(watermark.mark).toBeUndefined()
    watermark.settle({ taken: 5, lastSeq: 1, oldestSeq: undefined })
    expect(watermark.mark?.upTo).toBe(hour)
  })

  it('never goes back and never lies, whatever the readers, the batcher, the spool, the server and restarts do', () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 150, size: 'max' }), (script) => {
        const world = new World()
        for (const step of script) {
          world.do(step)
          world.check()
        }
        world.finish()
      }),
      { numRuns: 500 },
    )
  })
})

function sight(upTo: bigint, handed: number): Sight {
  return { upTo, behind: new Map(), handed }
}

type Step =
  | { readonly kind: 'print' | 'read'; readonly container: number }
  | { readonly kind: 'seal' | 'append' | 'see' | 'settle' | 'restart' }
  | { readonly kind: 'ack'; readonly which: number }

const container = fc.nat({ max: 3 })
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('print' as const), container }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('read' as const), container }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('ack' as const), which: fc.nat({ max: 7 }) }) },
  {
    weight: 6,
    arbitrary: fc.constantFrom(...(['seal', 'append', 'see', 'settle'] as const)).map((kind) => ({ kind })),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
)

interface Printed {
  readonly container: string
  readonly time: bigint
  state: 'docker' | 'read' | 'sealed' | 'spooled' | 'stored'
}

/** Containers, an agent and a server, as far as the watermark is concerned; they know which lines are really stored. */
class World {
  #now = 1000n
  readonly #lines: Printed[] = []
  #open: Printed[] = []
  #sealed: Printed[][] = []
  readonly #spool = new Map<number, Printed[]>()
  #lastSeq = 0
  #handed = 0
  #taken = 0
  #watermark = new Watermark()
  #kept: Mark | undefined
  #told: Mark | undefined

  do(step: Step): void {
    this.#now += 3n
    if (step.kind === 'print') this.#lines.push({ container: `c${step.container}`, time: this.#now, state: 'docker' })
    else if (step.kind === 'read') this.#read(`c${step.container}`)
    else if (step.kind === 'ack') this.#ack(step.which)
    else this[step.kind]()
  }

  check(): void {
    const { mark } = this.#watermark
    if (mark === undefined) return
    for (const line of this.#lines) {
      const upTo = mark.behind.get(line.container) ?? mark.upTo
      if (line.time <= upTo) expect(line.state).toBe('stored')
    }
    if (this.#told !== undefined) expect(mark.upTo).toBeGreaterThanOrEqual(this.#told.upTo)
    for (const id of ['c0', 'c1', 'c2', 'c3']) expect(of(mark, id)).toBeGreaterThanOrEqual(of(this.#told, id))
    this.#told = mark
  }

  /** Once all is read and acked, nothing holds it back. */
  finish(): void {
    for (const id of ['c0', 'c1', 'c2', 'c3']) this.#read(id)
    this.#now += 100n
    this.see()
    this.seal()
    while (this.#sealed.length > 0) this.append()
    while (this.#spool.size > 0) this.#ack(0)
    this.settle()
    this.check()
    expect(this.#watermark.mark).toMatchObject({ upTo: this.#now - MARGIN, behind: new Map() })
  }

  seal(): void {
    if (this.#open.length > 0) this.#sealed.push(this.#open)
    for (const line of this.#open) line.state = 'sealed'
    this.#open = []
  }

  append(): void {
    const chunk = this.#sealed.shift()
    if (chunk === undefined) return
    for (const line of chunk) line.state = 'spooled'
    this.#spool.set(++this.#lastSeq, chunk)
    this.#taken += chunk.length
  }

  see(): void {
    const behind = new Map<string, Lag>()
    for (const { container: id, time, state } of this.#lines)
      if (state === 'docker' && time <= this.#now - MARGIN && !behind.has(id))
        behind.set(id, { upTo: time - 1n, isNew: false, service: '' })
    this.#watermark.see({ upTo: this.#now - MARGIN, behind, handed: this.#handed })
  }

  settle(): void {
    const [oldestSeq] = this.#spool.keys()
    this.#watermark.settle({ taken: this.#taken, lastSeq: this.#lastSeq, oldestSeq })
    this.#kept = this.#watermark.mark
  }

  /** The spool stays; what was not in it is read again. */
  restart(): void {
    for (const line of this.#lines) if (line.state === 'read' || line.state === 'sealed') line.state = 'docker'
    this.#open = []
    this.#sealed = []
    this.#taken = this.#handed
    this.#watermark = new Watermark(this.#kept)
  }

  #read(id: string): void {
    for (const line of this.#lines) {
      if (line.container !== id || line.state !== 'docker') continue
      line.state = 'read'
      this.#open.push(line)
      this.#handed += 1
    }
  }

  /** Acks come in any order. */
  #ack(which: number): void {
    const seq = [...this.#spool.keys()][which % Math.max(1, this.#spool.size)]
    for (const line of this.#spool.get(seq ?? 0) ?? []) line.state = 'stored'
    this.#spool.delete(seq ?? 0)
  }
}

function of(mark: Mark | undefined, id: string): bigint {
  return mark?.behind.get(id) ?? mark?.upTo ?? 0n
}
