import type { LogRecord } from '../shared/record.ts'
import type { Live } from './live.ts'
import { type Appended, PartlyStored, type Store } from './store/store.ts'

/** Stores what comes in and shows it to the live tails in the order of the commits, whoever made them. */
export interface Commits {
  /** All that was committed up to this can be found by a search and was shown; what comes later is shown whole. */
  readonly lastReceived: bigint
  /** Commits after this, up to `lastReceived`, may still turn up: their server is out of reach. Absent as long as all are. */
  readonly doubtAfter: bigint | undefined
  /** Resolves when the records are durable; they are shown after that. */
  append(records: readonly LogRecord[]): Promise<Appended>
  /** Resolves when `lastReceived` is at least this, which another server may have shown already; or after a few seconds. */
  reach(received: bigint): Promise<void>
  /** To be awaited before a tail subscribes; what it answers must be called when the tail has ended. */
  join(): Promise<() => void>
}

/** The commits of a store that no other server writes to. */
export class OwnCommits implements Commits {
  readonly #store: Store
  readonly #live: Live
  readonly doubtAfter = undefined

  constructor(store: Store, live: Live) {
    this.#store = store
    this.#live = live
  }

  get lastReceived(): bigint {
    return this.#store.lastReceived
  }

  async append(records: readonly LogRecord[]): Promise<Appended> {
    const appended = await this.#store.append(records).catch((error: unknown) => {
      if (error instanceof PartlyStored) this.#live.publish(error.appended)
      throw error
    })
    this.#live.publish(appended)
    return appended
  }

  /** A cursor that is ahead comes from before the store was restored. */
  async reach(): Promise<void> {}

  async join(): Promise<() => void> {
    return () => {}
  }
}
