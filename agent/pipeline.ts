import { discover } from './discover.ts'
import type { FollowOptions } from './follow-options.ts'
import { Follower } from './follower.ts'
import type { TailBatch } from './line.ts'

export type { FollowOptions }

/**
 * Follows all containers of an engine: their lines in batches, live ones first, fair to each, only as fast as they are
 * pulled. A batch without lines only moves its checkpoint. Ends by its signals only.
 */
export async function* follow(options: FollowOptions): AsyncGenerator<TailBatch, void> {
  const { engine, log, status, signal, drain, since } = options
  const stop = new AbortController()
  const follower = new Follower(options, stop)
  const end = () => follower.end()
  const quieten = () => void follower.drain()
  signal.addEventListener('abort', end, { once: true })
  drain?.addEventListener('abort', quieten, { once: true })
  if (signal.aborted) end()
  if (drain?.aborted) quieten()
  const discovery = discover({ engine, log, status, since, signal: stop.signal, tell: (one) => follower.hear(one) })
  try {
    yield* follower.batches()
  } finally {
    signal.removeEventListener('abort', end)
    drain?.removeEventListener('abort', quieten)
    stop.abort()
    await discovery
  }
}
