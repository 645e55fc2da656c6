/**
 * Runs `work` on what a source yields, at most `ahead` at a time, and yields the results in the source's order.
 * A result is yielded as soon as it is there, also while the source is silent.
 */
export async function* mapAhead<In, Out>(
  source: AsyncIterable<In>,
  ahead: number,
  work: (value: In) => Promise<Out>,
): AsyncGenerator<Out> {
  const iterator = source[Symbol.asyncIterator]()
  const running: Promise<Out>[] = []
  let pending: Promise<IteratorResult<In>> | undefined
  let isDone = false
  try {
    while (!isDone || running.length > 0) {
      const [oldest] = running
      if (!isDone && running.length < ahead) pending ??= iterator.next()
      const arrived = await firstOf(pending, oldest)
      if (arrived === undefined) {
        running.shift()
        if (oldest !== undefined) yield await oldest
        continue
      }
      pending = undefined
      if (arrived.done === true) isDone = true
      else running.push(started(work(arrived.value)))
    }
  } finally {
    await Promise.allSettled(running)
    await iterator.return?.()
  }
}

/** What the source yielded, or undefined when the oldest work is ready first. */
async function firstOf<In, Out>(
  pending: Promise<IteratorResult<In>> | undefined,
  oldest: Promise<Out> | undefined,
): Promise<IteratorResult<In> | undefined> {
  const ready = oldest?.then(() => undefined)
  if (pending === undefined) return ready
  return ready === undefined ? pending : Promise.race([ready, pending])
}

/** Work that fails while an older one is awaited must not count as unhandled: it is awaited in its turn. */
function started<Out>(work: Promise<Out>): Promise<Out> {
  work.catch(() => {})
  return work
}
