import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from '../tail/engine.ts'

const ASK_EVERY_MS = 30_000
const ASK_AGAIN_MS = 1_000

/** The clock by which an engine stamps lines, and what version it is. */
export class EngineClock {
  /** The engine's version; '' before it has answered. */
  version = ''
  #aheadMs: number | undefined
  #surelyAheadMs = 0

  /** Nobody knows its time before it has answered. */
  get isKnown(): boolean {
    return this.#aheadMs !== undefined
  }

  /** How far it is ahead of this machine's clock; 0 while it is not known. */
  get aheadMs(): number {
    return this.#aheadMs ?? 0
  }

  /** A time that the engine's clock has surely reached, nanoseconds since 1970. */
  now(): bigint {
    return BigInt(Date.now() + this.#surelyAheadMs) * 1_000_000n
  }

  /** Asks the engine now and then, until the signal aborts. */
  async run(engine: Engine, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const waitMs = await this.ask(engine, signal).then(
        () => ASK_EVERY_MS,
        () => ASK_AGAIN_MS,
      )
      await sleep(waitMs, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  /** Asks the engine once. */
  async ask(engine: Engine, signal: AbortSignal): Promise<void> {
    const asked = Date.now()
    const { ServerVersion, SystemTime } = (await engine.get('/info', {}, signal)) as Info
    const answered = Date.now()
    const time = Date.parse(SystemTime ?? '')
    this.version = ServerVersion ?? ''
    if (Number.isNaN(time)) return
    this.#aheadMs = Math.round(time - (asked + answered) / 2)
    // It may have read its clock as early as when it was asked, but its answer cannot have travelled back in time.
    this.#surelyAheadMs = time - answered
  }
}

interface Info {
  readonly ServerVersion?: string
  readonly SystemTime?: string
}
