import { setTimeout as delay } from 'node:timers/promises'
import type { Position } from '../../../shared/record.ts'
import { unavailable } from '../unavailable.ts'
import { failureOf, messageOf } from './failure.ts'
import type { ReadParts } from './parts.ts'
import type { Segment } from './segment.ts'
import { type Slice, smallerScale } from './slices.ts'

/** How often a search starts anew where it was, when files are set aside or attached anew under it. */
const MAX_ATTEMPTS = 8
/** Memory that is used up is waited for, each time longer: other searches let go of theirs soon. */
const MEMORY_WAIT_MS = 100

/** How far a search has come, and on what it works, for those who must mend what it met. */
export interface Pass {
  /** Those of the last walk over them. */
  segments: readonly Segment[]
  slice: Slice | undefined
  /** Place of the last line that was answered. */
  after: Position | undefined
  /** How many lines may still come. */
  limit: number
  /** See `Walk`. */
  maxScale: number | undefined
  attempts: number
}

/** Makes the next attempt of a search possible after an error. Throws when there is nothing that it could change. */
export async function repair(parts: ReadParts, pass: Pass, order: 'asc' | 'desc', error: unknown): Promise<void> {
  mustNotHaveExpired(pass, order, error)
  const failure = failureOf(error)
  if (failure === 'fatal') parts.onFatal()
  const isMended =
    failure === 'memory' ? await findMemory(pass) : pass.attempts++ < MAX_ATTEMPTS && (await mend(parts, pass, error))
  if (!isMended) throw failed(error)
}

/** Throws when a segment has expired that the search still needs. */
export function mustNotHaveExpired({ segments, after }: Pass, order: 'asc' | 'desc', cause?: unknown): void {
  const isNeeded = ({ gone, streams }: Segment): boolean =>
    gone === 'expired' &&
    (after === undefined ||
      [...streams.values()].some(({ first, last }) => (order === 'asc' ? last >= after.time : first <= after.time)))
  if (segments.some(isNeeded)) {
    throw unavailable('go on: records expired while they were read; ask again with a later start', cause)
  }
}

/** Has the search go on with smaller slices; where they are as small as can be, only waits, and not for ever. */
async function findMemory(pass: Pass): Promise<boolean> {
  const scale = pass.slice && smallerScale(pass.slice)
  if (scale === undefined && pass.attempts++ === MAX_ATTEMPTS) return false
  pass.maxScale = scale ?? pass.maxScale
  await delay(MEMORY_WAIT_MS)
  return true
}

async function mend(parts: ReadParts, { slice }: Pass, error: unknown): Promise<boolean> {
  const failure = failureOf(error)
  if (failure === 'invalidated' || isDetached(error)) {
    await parts.serial.run(async () => {
      for (const { segment } of slice?.parts ?? []) await reattachIfShut(parts, segment)
    })
    return true
  }
  if (failure !== 'damaged' || slice === undefined) return false
  for (const { segment } of slice.parts) {
    if (segment.archived !== undefined) {
      await segment.archived.findDamage()
      continue
    }
    const cause = await damageOf(parts, segment)
    if (cause !== undefined) await parts.serial.run(() => parts.segments.setAside(segment, cause))
  }
  return true
}

async function reattachIfShut({ engine, segments }: ReadParts, segment: Segment): Promise<void> {
  if (segment.gone !== '' || segment.archived !== undefined) return
  try {
    await engine.writer.run(`SELECT count(*) FROM ${segment.database}.streams`)
  } catch (error) {
    if (failureOf(error) === 'invalidated' || isDetached(error)) await segments.reattach(segment)
  }
}

/** Reads all of a segment; returns the error when it proves damaged. */
async function damageOf({ engine }: ReadParts, segment: Segment): Promise<unknown> {
  if (segment.gone !== '') return undefined
  const reader = await engine.lease()
  const hash = (table: string): string => `SELECT bit_xor(hash(t)) FROM ${segment.database}.${table} t`
  try {
    const sql = `${hash('lines')} UNION ALL ${hash('rests')}`
    for await (const chunk of reader.chunks(sql)) void chunk
    return undefined
  } catch (error) {
    return failureOf(error) === 'damaged' ? error : undefined
  } finally {
    reader.release()
  }
}

/** The segment is being attached anew at this moment, could not be, or was set aside. */
function isDetached(error: unknown): boolean {
  return error instanceof Error && /^(Catalog|Binder) Error: .*does not exist/s.test(error.message)
}

function failed(error: unknown): unknown {
  if (error instanceof Error && error.name === 'SwarmlogsError') return error
  return unavailable(`search now: ${messageOf(error)}`, error)
}
