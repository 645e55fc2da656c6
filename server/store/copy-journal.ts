import type { Store } from './store.ts'

/** How often it is noted how far a day has come. */
const NOTE_MS = 2_000

/** A day with the number of its lines: one that has got more since is another one. */
interface Day {
  readonly day: string
  readonly records: number
}

/** How far a day has come: all lines before this time were copied. */
interface Reached {
  readonly time: bigint | undefined
  readonly records: number
}

interface Saved {
  /** Days that were copied, with how many lines they had. */
  readonly done: Record<string, number>
  /** The day that is being copied. */
  readonly at?: { readonly day: string; readonly of: number; readonly time: string; readonly records: number }
}

/** Remembers in the store that is copied to how far the copy has come. */
export class CopyJournal {
  readonly #store: Store
  readonly #name: string
  #saved: Saved
  #notedMs = 0

  private constructor(store: Store, name: string, saved: Saved) {
    this.#store = store
    this.#name = name
    this.#saved = saved
  }

  /** Reads the journal of the copy from a store. */
  static async open(store: Store, fromId: string): Promise<CopyJournal> {
    const name = `copy-of-${fromId}`
    return new CopyJournal(store, name, JSON.parse((await store.load(name)) ?? '{"done":{}}'))
  }

  isDone({ day, records }: Day): boolean {
    return this.#saved.done[day] === records
  }

  /** Where to go on with a day. */
  begin({ day, records }: Day): Reached {
    const { at } = this.#saved
    if (at?.day !== day || at.of !== records) return { time: undefined, records: 0 }
    // The lines of that very time come again.
    return { time: BigInt(at.time), records: at.records }
  }

  /** Lines up to this time were copied, some of this time perhaps not. */
  async reach({ day, records: of }: Day, { time, records }: { time: bigint; records: number }): Promise<void> {
    if (performance.now() - this.#notedMs < NOTE_MS) return
    // Streams of odd times are walked over all times: they begin anew.
    if (day !== '') await this.#save({ ...this.#saved, at: { day, of, time: String(time), records } })
  }

  /** A day is done. */
  async end({ day, records }: Day): Promise<void> {
    await this.#save({ done: { ...this.#saved.done, [day]: records } })
  }

  /** Days whose lines turned out to be missing are copied again next time. */
  async forget(days: ReadonlySet<string>): Promise<void> {
    const done = Object.fromEntries(Object.entries(this.#saved.done).filter(([day]) => !days.has(day)))
    await this.#save({ done })
  }

  async #save(saved: Saved): Promise<void> {
    this.#saved = saved
    await this.#store.save(this.#name, JSON.stringify(saved))
    this.#notedMs = performance.now()
  }
}
