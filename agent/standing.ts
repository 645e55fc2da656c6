import type { GapBounds } from '../shared/gap.ts'
import type { Followed } from './followed.ts'
import { gapBetween, nanosNow } from './tail/gaps.ts'

/** How often a gap that grows is told again. */
const RETELL_MS = 600_000

interface Standing {
  readonly followed: Followed
  readonly reason: 'unreadable' | 'lossy'
  readonly from: bigint
  toldMs: number
}

/**
 * Gaps that last as long as their containers run, and grow: of containers whose log driver cannot be read, and of those whose driver may
 * lose lines by itself. They begin with the run (of a lossy one: with the container), so that one that is told anew replaces itself.
 */
export class StandingGaps {
  readonly #tell: (followed: Followed, gap: GapBounds) => void
  readonly #standing = new Map<string, Standing>()

  constructor(tell: (followed: Followed, gap: GapBounds) => void) {
    this.#tell = tell
  }

  begin(followed: Followed, reason: Standing['reason']): void {
    const { id, born, startedAt } = followed.target
    const from = reason === 'lossy' ? born : startedAt || born
    const standing = { followed, reason, from, toldMs: 0 }
    this.#standing.set(id, standing)
    this.#tellOf(standing)
  }

  /** A container died. */
  end(id: string): void {
    const standing = this.#standing.get(id)
    if (!standing) return
    this.#standing.delete(id)
    const { followed } = standing
    followed.target = { ...followed.target, running: false, endedAt: nanosNow() }
    this.#tellOf(standing)
  }

  /** Tells those of listed containers that have grown for long, and forgets the others. */
  retell(listed: ReadonlySet<string>): void {
    const dueMs = performance.now() - RETELL_MS
    for (const [id, standing] of this.#standing) {
      if (!listed.has(id)) this.#standing.delete(id)
      else if (standing.toldMs < dueMs && standing.followed.target.running) this.#tellOf(standing)
    }
  }

  #tellOf(standing: Standing): void {
    const { followed, reason, from } = standing
    const { running, endedAt } = followed.target
    const to = running ? nanosNow() : endedAt || nanosNow()
    standing.toldMs = performance.now()
    this.#tell(followed, gapBetween(from, to, reason))
  }
}
