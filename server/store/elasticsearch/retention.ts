import { greater } from '../bigint.ts'
import { dropIndex } from './drop-index.ts'
import type { Names } from './names.ts'
import { dayOf, timesOfDay } from './names.ts'
import type { IndexSize } from './sizes.ts'
import { type ExpiryParts, expiredStreams, longestKept } from './thin.ts'
import type { WatchParts } from './watch.ts'

/** A day that may go, and why. */
interface Expired {
  readonly index: string
  readonly reason: 'age' | 'size'
}

/** Deletes the days that are too old, then the oldest ones while all are too large together; then the notes that nothing needs any more. */
export async function expireIndices(
  parts: WatchParts,
  sizes: ReadonlyMap<string, IndexSize>,
  now: bigint,
): Promise<readonly string[]> {
  const { options } = parts
  const expired = expiredIndices(parts, sizes, now)
  const gone: string[] = []
  for (const { index, reason } of expired) {
    if (!(await dropIndex(parts, index))) continue
    gone.push(index)
    options.log.info({ index, ...sizes.get(index), reason }, 'index expired')
  }
  await dropNotes(parts, now)
  if (parts.retention.isKnown) await parts.gaps.expire(oldestKept(parts, now, gone.length > 0))
  return gone
}

/** Gaps go with the lines: those beyond the retention, and when days went for their size, those before the first that is left. */
function oldestKept(parts: WatchParts, now: bigint, hasGone: boolean): bigint {
  const { indices, names } = parts
  const kept = now - longestKept(parts)
  const [first] = indices.lines.filter((index) => names.parse(index)?.kind === 'lines')
  const start = hasGone && first !== undefined ? timesOfDay(names.parse(first)?.day ?? '').start : kept
  return greater(start, kept)
}

/** Which indices may go: never that of today, or the only one. */
export function expiredIndices(parts: ExpiryParts, sizes: ReadonlyMap<string, IndexSize>, now: bigint): Expired[] {
  const { options, names, counts } = parts
  const days = [...sizes.keys()].filter((index) => names.parse(index) !== undefined).sort(byDay(names))
  const tooOld = parts.retention.isKnown ? days.filter((index) => isTooOld(parts, index, now)) : []
  const left = days.filter((index) => !tooOld.includes(index))
  let bytes = left.reduce((sum, index) => sum + (sizes.get(index)?.bytes ?? 0), 0)
  const tooMuch: string[] = []
  for (const index of left.slice(0, -1)) {
    if (bytes <= (options.maxBytes ?? Number.POSITIVE_INFINITY)) break
    if (names.parse(index)?.day === dayOf(now) || counts.records(index) === 0) continue
    tooMuch.push(index)
    bytes -= sizes.get(index)?.bytes ?? 0
  }
  const expired = (reason: Expired['reason']) => (index: string) => ({ index, reason })
  return [...tooOld.map(expired('age')), ...tooMuch.map(expired('size'))]
}

/** Whether all lines of an index have expired. */
function isTooOld(parts: ExpiryParts, index: string, now: bigint): boolean {
  const { retention, names, counts } = parts
  const streams = counts.of(index)?.size ?? 0
  if (streams > 0) return expiredStreams(parts, index, now).length === streams
  return timesOfDay(names.parse(index)?.day ?? '9999.01.01').end <= now - retention.defaultNs
}

function byDay(names: Names): (a: string, b: string) => number {
  const day = (index: string): string => names.parse(index)?.day ?? ''
  return (a, b) => (day(a) < day(b) ? -1 : 1)
}

/** Streams, guesses and counts are renewed while they are used; two days more than the lines is enough. */
async function dropNotes(parts: WatchParts, now: bigint): Promise<void> {
  const { requests, notes, streams, counts, indices } = parts
  const before = Number((now - longestKept(parts)) / 1_000_000n) - 2 * 86_400_000
  const held = counts.held()
  const ids: string[] = []
  for await (const found of notes.find('stream', -1, before)) {
    for (const { id, note } of found) {
      const entry = streams.ofLabels(note.data)
      if (held.has(entry.id)) continue
      streams.forget(entry)
      ids.push(id)
    }
  }
  for (const kind of ['guesses', 'expired'] as const) {
    for await (const found of notes.find(kind, -1, before)) ids.push(...found.map(({ id }) => id))
  }
  for await (const found of notes.find('counts', -1, before)) {
    ids.push(...found.map(({ id }) => id).filter((id) => !indices.has(id.slice('counts:'.length))))
  }
  if (ids.length === 0) return
  const lines = ids.map((id) => `{"delete":{"_index":"${notes.index}","_id":${JSON.stringify(id)}}}\n`).join('')
  await requests.send('POST', '/_bulk', { lines })
}
