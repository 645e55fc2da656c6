import { randomUUID } from 'node:crypto'
import { SwarmlogsError } from '../shared/errors.ts'
import type { LogStream } from '../shared/record.ts'
import { type GapRange, isGapIn } from './store/gap-table.ts'
import type { Store } from './store/store.ts'

const NAME = 'annotations'
const FORMAT = 1
const MAX_ANNOTATIONS = 10_000
/** Other servers on the same store write, too. */
const FRESH_MS = 2_000
const MAX_TRIES = 5

/** What somebody noted about a moment, for all who look at it. Times are nanoseconds since 1970. */
export interface Annotation {
  readonly id: string
  /** The moment; both are the same. */
  readonly from: bigint
  readonly to: bigint
  /** When it was written. */
  readonly made: bigint
  readonly by: string
  readonly text: string
  /** The container that it is about, and the cursor of its line; absent: all that was there. */
  readonly stream?: LogStream
  readonly cursor?: string
}

/** What somebody wants to note. */
export type NewAnnotation = Omit<Annotation, 'id' | 'to'>

/** What people noted, kept with the store. */
export class Annotations {
  readonly #store: Pick<Store, 'save' | 'load' | 'sharing'>
  #all: readonly Annotation[] = []
  #readMs = Number.NEGATIVE_INFINITY
  #writing: Promise<unknown> = Promise.resolve()

  constructor(store: Pick<Store, 'save' | 'load' | 'sharing'>) {
    this.#store = store
  }

  /** Reads what is kept. */
  async load(): Promise<void> {
    this.#all = parse(await this.#store.load(NAME))
    this.#readMs = performance.now()
  }

  /** Those in a range of time, in its order. */
  async in(range: GapRange): Promise<readonly Annotation[]> {
    if (this.#store.sharing !== undefined && performance.now() - this.#readMs > FRESH_MS) await this.load()
    return this.#all.filter((one) => isGapIn(one, range))
  }

  /** All of it as text, as it is kept with the store. */
  text(): string {
    return textOf(this.#all)
  }

  /** Notes something. Throws SWARMLOGS_LIMIT when there are too many. */
  async add(wish: NewAnnotation): Promise<Annotation> {
    const one: Annotation = { ...wish, id: randomUUID(), to: wish.from }
    await this.#write(
      (all) => [...all, one].sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0)),
      (all) => all.some(({ id }) => id === one.id),
    )
    return one
  }

  /** Forgets a note; false when there is none of this id. */
  async remove(id: string): Promise<boolean> {
    await this.load()
    if (this.#all.every((one) => one.id !== id)) return false
    const without = (all: readonly Annotation[]) => all.filter((one) => one.id !== id)
    await this.#write(without, (all) => without(all).length === all.length)
    return true
  }

  /** One write after the other; where another server wrote at the same moment, again. */
  async #write(
    change: (all: readonly Annotation[]) => readonly Annotation[],
    isDone: (all: readonly Annotation[]) => boolean,
  ): Promise<void> {
    const writing = this.#writing.then(async () => {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        await this.load()
        const all = change(this.#all)
        if (all.length > MAX_ANNOTATIONS) throw tooMany()
        await this.#store.save(NAME, textOf(all))
        await this.load()
        if (isDone(this.#all)) return
      }
      throw new SwarmlogsError('SWARMLOGS_STORE_UNAVAILABLE', 'cannot keep this note now: others write, too; try again')
    })
    this.#writing = writing.catch(() => {})
    await writing
  }
}

function tooMany(): SwarmlogsError {
  const message = `cannot keep more than ${MAX_ANNOTATIONS} notes: delete some (swarmlogs note --delete ID)`
  return new SwarmlogsError('SWARMLOGS_LIMIT', message)
}

function textOf(all: readonly Annotation[]): string {
  const kept = all.map(({ from, to: _, made, ...rest }) => ({ ...rest, from: String(from), made: String(made) }))
  return JSON.stringify({ format: FORMAT, annotations: kept })
}

/** Of what is kept as text those in a range of time, and that as text. */
export function annotationsIn(text: string, range: GapRange): { text: string; annotations: readonly Annotation[] } {
  const annotations = parse(text).filter((one) => isGapIn(one, range))
  return { text: textOf(annotations), annotations }
}

type Kept = Omit<Annotation, 'from' | 'to' | 'made'> & { readonly from: string; readonly made: string }

function parse(text: string | undefined): Annotation[] {
  if (text === undefined) return []
  const saved = JSON.parse(text) as { format: number; annotations: readonly Kept[] }
  if (saved.format !== FORMAT) return []
  return saved.annotations.map(({ from, made, ...rest }) => ({
    ...{ ...rest, from: BigInt(from), to: BigInt(from), made: BigInt(made) },
  }))
}
