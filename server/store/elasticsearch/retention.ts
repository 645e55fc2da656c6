import { dropIndex } from './drop-index.ts'
import type { Names } from './names.ts'
import { dayOf, timesOfDay } from './names.ts'
import type { IndexSize } from './sizes.ts'
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
  await parts.gaps.expire(oldestKept(parts, now, gone.length > 0))
  return gone
}

/** Gaps go with the lines: those beyond the retention, and when days went for their size, those before the first that is left. */
function oldestKept({ options, indices, names }: WatchParts, now: bigint, hasGone: boolean): bigint {
  const kept = now - BigInt(Math.round(options.retentionMs)) * 1_000_000n
  const [first] = indices.lines.filter((index) => names.parse(index)?.kind === 'lines')
  const start = hasGone && first !== undefined ? timesOfDay(names.parse(first)?.day ?? '').start : kept
  return start > kept ? start : kept
}

/** Which indices may go: never that of today, or the only one. */
export function expiredIndices(
  { options, names, counts }: Pick<WatchParts, 'options' | 'names' | 'counts'>,
  sizes: ReadonlyMap<string, IndexSize>,
  now: bigint,
): Expired[] {
  const oldest = now - BigInt(Math.round(options.retentionMs)) * 1_000_000n
  const days = [...sizes.keys()].filter((index) => names.parse(index) !== undefined).sort(byDay(names))
  const tooOld = days.filter((index) => endOf(names, index) <= oldest)
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

function endOf(names: Names, index: string): bigint {
  return timesOfDay(names.parse(index)?.day ?? '9999.01.01').end
}

function byDay(names: Names): (a: string, b: string) => number {
  const day = (index: string): string => names.parse(index)?.day ?? ''
  return (a, b) => (day(a) < day(b) ? -1 : 1)
}

/** Streams, guesses and counts are renewed while they are used; two days more than the lines is enough. */
async function dropNotes(
  { requests, notes, options, streams, counts, indices }: WatchParts,
  now: bigint,
): Promise<void> {
  const before = Number(now / 1_000_000n) - options.retentionMs - 2 * 86_400_000
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
