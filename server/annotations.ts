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
  #isOutdated = false
  #writing: Promise<unknown> = Promise.resolve()

  constructor(store: Pick<Store, 'save' | 'load' | 'sharing'>) {
    this.#store = store
  }

  /** Reads what is kept. */
  async load(): Promise<void> {
    const beganMs = performance.now()
    this.#isOutdated = false
    const all = parse(await this.#store.load(NAME))
    // What was written here meanwhile is newer, but for what others wrote.
    this.#isOutdated ||= beganMs < this.#readMs
    if (beganMs < this.#readMs) return
    this.#all = all
    this.#readMs = beganMs
  }

  /** Another server has written. */
  outdate(): void {
    this.#isOutdated = true
  }

  /** Those in a range of time, in its order. */
  async in(range: GapRange): Promise<readonly Annotation[]> {
    const isOld = this.#isOutdated || performance.now() - this.#readMs > FRESH_MS
    if (this.#store.sharing !== undefined && isOld) await this.load()
    return this.#all.filter((one) => isGapIn(one, range))
  }

  /** All of it as text, as it is kept with the store. */
  text(): string {
    return textOf(this.#all)
  }

  /** Notes something. Throws SWARMLOGS_LIMIT when there are too many. */
  async add(wish: NewAnnotation): Promise<Annotation> {
    const one: Annotation = { ...wish, id: randomUUID(), to: wish.from }
    await this.#write((all) => {
      const others = all.filter(({ id }) => id !== one.id)
      if (others.length >= MAX_ANNOTATIONS) throw tooMany()
      return [...others, one].sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0))
    })
    return one
  }

  /** Forgets a note; false when there is none of this id. */
  async remove(id: string): Promise<boolean> {
    let isKnown = false
    await this.#write((all) => {
      if (all.every((one) => one.id !== id)) return undefined
      isKnown = true
      return all.filter((one) => one.id !== id)
    })
    return isKnown
  }

  /** One write after the other; where another server wrote at the same moment, the change is made again of what that wrote. */
  async #write(change: (all: readonly Annotation[]) => readonly Annotation[] | undefined): Promise<void> {
    const writing = this.#writing.then(async () => {
      const text = await this.#changed((was) => {
        const all = change(parse(was))
        return all && textOf(all)
      })
      this.#all = parse(text)
      this.#readMs = performance.now()
    })
    this.#writing = writing.catch(() => {})
    await writing
  }

  async #changed(change: (text: string | undefined) => string | undefined): Promise<string | undefined> {
    const { sharing } = this.#store
    if (sharing !== undefined) return sharing.change(NAME, change)
    const was = await this.#store.load(NAME)
    const text = change(was)
    if (text !== undefined) await this.#store.save(NAME, text)
    return text ?? was
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
