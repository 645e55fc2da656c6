import type { ApiGapStatus, ApiStatus, ApiStoreStatus } from '../shared/api/status.ts'
import { isLoss } from '../shared/gap.ts'
import { formatTime } from '../shared/time.ts'
import type { Context } from './context.ts'
import { apiGap } from './missing.ts'
import { nodesOf } from './node-status.ts'
import type { Store } from './store/store.ts'
import { storeNote } from './store-note.ts'

const DAY_NS = 86_400_000_000_000n
const NEWEST_GAPS = 5
/** A store that is down must not keep the rest from being told. */
const STORE_TIMEOUT_MS = 3_000

/** How the server, its store and the agents are now: GET /status, and what /metrics has of it. */
export async function readStatus(context: Context): Promise<ApiStatus> {
  const { store, version, now, completeness } = context
  const gaps = await orNothing(gapsOf(context))
  return {
    version,
    time: formatTime(now()),
    ...nodesOf(context),
    ...(gaps && { gaps }),
    store: await storeStatus(store, storeNote(completeness)),
  }
}

async function gapsOf(context: Context): Promise<ApiGapStatus> {
  const since = context.now() - DAY_NS
  const gaps = await context.store.gaps({ since })
  const reasons: Record<string, number> = {}
  for (const { reason } of gaps) reasons[reason] = (reasons[reason] ?? 0) + 1
  const losses = gaps.filter(isLoss)
  const newest = losses.toSorted((a, b) => (a.to > b.to ? -1 : a.to < b.to ? 1 : 0)).slice(0, NEWEST_GAPS)
  return {
    since: formatTime(since),
    count: losses.length,
    reasons,
    newest: newest.map((gap) => apiGap(gap, context)),
  }
}

async function storeStatus(store: Store, changed: string): Promise<ApiStoreStatus> {
  const { reason, begins, damaged, refused = 0, ...status } = store.status()
  const [room, archive] = await Promise.all([store.room && orNothing(store.room()), orNothing(archiveOf(store))])
  return {
    ...{ kind: store.kind, id: store.identity.id, epoch: store.identity.epoch },
    ...status,
    ...(reason !== '' && { reason }),
    ...(begins !== undefined && { begins: formatTime(begins) }),
    damaged: [...damaged],
    refused,
    ...(changed && { changed }),
    ...(archive && { archive }),
    ...(room && { free_bytes: room.freeBytes, max_bytes: room.maxBytes }),
  }
}

async function archiveOf({ archive }: Store): Promise<ApiStoreStatus['archive']> {
  if (archive === undefined) return undefined
  const [days, holds] = await Promise.all([archive.list(), archive.holds()])
  return { days: days.length, bytes: days.reduce((sum, { bytes }) => sum + bytes, 0), kept: holds.length }
}

async function orNothing<T>(asked: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), STORE_TIMEOUT_MS)
  try {
    return await Promise.race([asked, late])
  } catch {
    return undefined
  } finally {
    clearTimeout(timer)
  }
}
