import type { TailBatch } from '../line.ts'
import type { OpenBatch } from './open-batch.ts'

export interface FillOptions {
  /** An empty batch to fill. */
  readonly take: () => OpenBatch
  /** Whether a chunk would leave at once; as long as it would not, batches may grow. */
  readonly isHungry: () => boolean
}

/** A first line waits this long for company; when a batch has just left, for so long since then: each costs work on all of its way. */
const LINGER_MS = 8
const SPACING_MS = 40
/** How often it is asked whether the forwarder has become hungry. */
const ASK_MS = 20
/** No line waits longer than this for the forwarder to become hungry: what is not spooled would be read again after a kill. */
const MAX_LINGER_MS = 1000

const NOTHING_CAME = Symbol('nothing came')

/** Gathers what tails yield; yields a batch when it is full, or soon when the forwarder has nothing to do. Never yields an empty one. */
export async function* fill(source: AsyncIterable<TailBatch>, options: FillOptions): AsyncGenerator<OpenBatch> {
  const iterator = source[Symbol.asyncIterator]()
  let pending: Promise<IteratorResult<TailBatch>> | undefined
  let patience: Patience | undefined
  let open = options.take()
  let sealedMs = Number.NEGATIVE_INFINITY
  const seal = () => {
    patience?.end()
    patience = undefined
    sealedMs = performance.now()
    const sealed = open
    open = options.take()
    return sealed
  }
  try {
    for (;;) {
      pending ??= iterator.next()
      const next = await (patience === undefined ? pending : Promise.race([pending, patience.over()]))
      if (next === NOTHING_CAME) {
        yield seal()
        continue
      }
      pending = undefined
      if (next.done === true) break
      for (let at = open.add(next.value, 0); open.isFull; at = open.add(next.value, at)) {
        yield seal()
        if (at === next.value.lines.length) break
      }
      if (!open.isEmpty) patience ??= new Patience(options.isHungry, sealedMs + SPACING_MS)
    }
    if (!open.isEmpty) yield seal()
  } finally {
    patience?.end()
    await iterator.return?.()
  }
}

/** How long one batch waits for more. */
class Patience {
  readonly #isHungry: () => boolean
  readonly #notBefore: number
  readonly #until = performance.now() + MAX_LINGER_MS
  #over: Promise<typeof NOTHING_CAME> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(isHungry: () => boolean, notBefore: number) {
    this.#isHungry = isHungry
    this.#notBefore = notBefore
  }

  /** Resolves when the wait is over; never after `end`. */
  over(): Promise<typeof NOTHING_CAME> {
    this.#over ??= new Promise((resolve) => {
      const ask = () => {
        if (this.#isHungry() || performance.now() >= this.#until) resolve(NOTHING_CAME)
        else this.#timer = setTimeout(ask, ASK_MS)
      }
      this.#timer = setTimeout(ask, Math.max(LINGER_MS, this.#notBefore - performance.now()))
    })
    return this.#over
  }

  end(): void {
    clearTimeout(this.#timer)
  }
}
