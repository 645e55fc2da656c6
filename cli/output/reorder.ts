/** How long a line waits for older ones that come late, and how many wait at most: beyond, the oldest go. */
const WINDOW_MS = 2_000
const MAX_WAITING = 20_000

/** --ordered: holds what comes in for a moment, and hands it on in the order of time. */
export async function* reordered<Item extends { readonly time: string | bigint }>(
  batches: AsyncIterator<readonly Item[]>,
  windowMs = WINDOW_MS,
): AsyncGenerator<Item[], void> {
  let waiting: { readonly item: Item; readonly sinceMs: number }[] = []
  let next: Promise<IteratorResult<readonly Item[]>> | undefined = batches.next()
  while (next !== undefined || waiting.length > 0) {
    const ready = await soonest(next, waiting.length > 0 ? windowMs / 4 : undefined)
    if (ready?.done === true) next = undefined
    else if (ready !== undefined) {
      const sinceMs = performance.now()
      waiting.push(...ready.value.map((item) => ({ item, sinceMs })))
      waiting.sort((a, b) => (a.item.time < b.item.time ? -1 : a.item.time > b.item.time ? 1 : 0))
      next = batches.next()
    }
    const due = dueOf(waiting, next === undefined ? Number.POSITIVE_INFINITY : performance.now() - windowMs)
    if (due > 0) yield waiting.slice(0, due).map(({ item }) => item)
    waiting = waiting.slice(due)
  }
}

/** Up to the last one that has waited for long enough all go: those before it are older. */
function dueOf(waiting: readonly { readonly sinceMs: number }[], beforeMs: number): number {
  return Math.max(waiting.findLastIndex(({ sinceMs }) => sinceMs <= beforeMs) + 1, waiting.length - MAX_WAITING)
}

/** What comes next; undefined when that takes longer. */
async function soonest<T>(next: Promise<T> | undefined, atMostMs: number | undefined): Promise<T | undefined> {
  if (next === undefined) return undefined
  if (atMostMs === undefined) return next
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), atMostMs)
  try {
    return await Promise.race([next, promise])
  } finally {
    clearTimeout(timer)
  }
}
