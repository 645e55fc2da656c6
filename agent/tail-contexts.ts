import type { FollowOptions } from './follow-options.ts'
import type { Followed } from './followed.ts'
import { framingOf } from './framing.ts'
import type { LineTime } from './lines.ts'
import type { Tails } from './report/tails.ts'
import { later, lineTime, type TailContext } from './tail/piece.ts'
import { Slots } from './tail/slots.ts'
import { logFileBytes, logFiles, logHasAttributes } from './target.ts'

/** Finite reads at a time. */
const WINDOWS = 50

/** What the logs of containers are read with. */
export class TailContexts {
  readonly #options: FollowOptions
  readonly #tails: Tails
  readonly #onCaughtUp: (followed: Followed) => void
  readonly #windows = new Slots(WINDOWS)

  /** @param onCaughtUp a container's live lines are read. */
  constructor(options: FollowOptions, tails: Tails, onCaughtUp: (followed: Followed) => void) {
    this.#options = options
    this.#tails = tails
    this.#onCaughtUp = onCaughtUp
  }

  of(followed: Followed, signal: AbortSignal): TailContext {
    const { engine, log } = this.#options
    const { target } = followed
    return {
      engine,
      id: target.id,
      framing: framingOf(target, engine),
      fileBytes: logFileBytes(target),
      hasAttributes: logHasAttributes(target),
      files: logFiles(target),
      born: target.born,
      isOwed: () => this.#isOwed(followed),
      // What the server would drop as too old need not be sent.
      horizon: later(followed.horizon, this.oldest()),
      signal,
      windows: this.#windows,
      log,
      onCaughtUp: () => this.#onCaughtUp(followed),
      hasAllHistory: () => followed.progress.history === null,
      liveLines: () => followed.liveLines,
      onFollowing: (following) => this.#tails.following(target.id, following),
    }
  }

  #isOwed({ target, progress }: Followed): boolean {
    const since = this.#options.knowsSince?.() ?? ''
    return since !== '' && target.born >= BigInt(since) && !progress.head && !progress.elsewhere && !progress.lost
  }

  /** What is older the server does not keep, as far as it has said so. */
  oldest(): LineTime {
    const retentionMs = this.#options.retentionMs?.()
    return retentionMs === undefined ? [0, 0] : lineTime(Date.now() - retentionMs)
  }
}
