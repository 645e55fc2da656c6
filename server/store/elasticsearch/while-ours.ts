import type { Claim } from './claim.ts'

/** How often it is looked whether it is ours still; and how long that may be unknown. A server that takes the archive over writes nothing to it for a minute. */
const LOOK_MS = 10_000
const UNKNOWN_MS = 30_000

/** Does work on an archive that other servers may take over: its signal aborts when one has, as what that one writes must not be written over. */
export async function whileOurs<T>(
  claim: Pick<Claim, 'look' | 'check'>,
  stopping: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  await claim.look()
  claim.check()
  const lost = new AbortController()
  let lookedMs = performance.now()
  const look = async (): Promise<void> => {
    try {
      await claim.look()
      lookedMs = performance.now()
    } catch (error) {
      if (performance.now() - lookedMs > UNKNOWN_MS) lost.abort(error)
      return
    }
    try {
      claim.check()
    } catch (error) {
      lost.abort(error)
    }
  }
  const timer = setInterval(() => void look(), LOOK_MS)
  try {
    return await work(AbortSignal.any([stopping, lost.signal]))
  } finally {
    clearInterval(timer)
  }
}
