import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { whileOurs } from '../../../../server/store/elasticsearch/while-ours.ts'

const NEVER = new AbortController().signal

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Whose the archive is; nobody can tell while `isAway`. */
function claimOf() {
  const claim = {
    isOurs: true,
    isAway: false,
    look: async () => {
      if (claim.isAway) throw new Error('no line')
    },
    check: () => {
      if (!claim.isOurs) throw new Error('another server archives')
    },
  }
  return claim
}

/** Work that goes on until its signal aborts; why it did. */
async function untilAborted(signal: AbortSignal): Promise<string> {
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  return signal.reason.message
}

it('does not begin what is not ours', async () => {
  const work = vi.fn()
  await expect(whileOurs({ ...claimOf(), check: () => expect.fail('not ours') }, NEVER, work)).rejects.toThrow(
    'not ours',
  )
  expect(work).not.toHaveBeenCalled()
})

it('ends the work within ten seconds when another server has taken the archive over', async () => {
  const claim = claimOf()
  const done = whileOurs(claim, NEVER, untilAborted)
  await vi.advanceTimersByTimeAsync(60_000)
  claim.isOurs = false
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await done).toBe('another server archives')
  expect(vi.getTimerCount()).toBe(0)
})

it('ends the work when it cannot be told for longer than a new server waits for', async () => {
  const claim = claimOf()
  const done = whileOurs(claim, NEVER, untilAborted)
  let isDone = false
  void done.then(() => {
    isDone = true
  })
  claim.isAway = true
  await vi.advanceTimersByTimeAsync(20_000)
  expect(isDone).toBe(false)
  await vi.advanceTimersByTimeAsync(20_000)
  expect(await done).toBe('no line')
})

it('ends the work when the store is closed', async () => {
  const stopping = new AbortController()
  const done = whileOurs(claimOf(), stopping.signal, untilAborted)
  await vi.advanceTimersByTimeAsync(0)
  stopping.abort(new Error('closed'))
  expect(await done).toBe('closed')
})
