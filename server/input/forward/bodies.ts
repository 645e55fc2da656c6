import type { Account } from './budget.ts'
import type { Frame } from './frame.ts'
import { inflate, inflationLimit } from './inflate.ts'
import { INFLATE_FIRST } from './limits.ts'
import { Refusal } from './refusal.ts'

/** A frame's entries, uncompressed, and the bytes that the account holds for them. */
export interface Body {
  readonly entries: Buffer
  readonly heldBytes: number
}

/**
 * Inflates a frame's body within the account: what an inflation may need is taken before it starts, what it did not need is given
 * back. Nearly all frames fit in the first, small claim; one that does not is inflated again under the full one.
 */
export async function openBody(frame: Frame, account: Account): Promise<Body> {
  const { body, compression } = frame
  if (compression === '') return { entries: body, heldBytes: 0 }
  const limit = inflationLimit(body.length)
  for (const claim of [Math.min(INFLATE_FIRST, limit), limit]) {
    await account.take(claim)
    const entries = await attempt(compression, body, claim, account)
    account.give(claim - (entries?.length ?? 0))
    if (entries !== undefined) return { entries, heldBytes: entries.length }
  }
  throw new Refusal(
    'inflation',
    `cannot inflate ${body.length} bytes to more than ${limit}; let the sender use smaller chunks`,
  )
}

async function attempt(
  kind: 'gzip' | 'zstd',
  body: Buffer,
  bytes: number,
  account: Account,
): Promise<Buffer | undefined> {
  try {
    return await inflate(kind, body, bytes)
  } catch (error) {
    account.give(bytes)
    throw error
  }
}
