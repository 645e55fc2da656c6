import { comparePositions } from '../../../shared/record.ts'
import { looksAtLines } from '../../query/filter.ts'
import { Gate } from '../gate.ts'
import { taskKey } from '../labels.ts'
import { type Arrival, arrivalOf } from './arrivals.ts'
import { PLACE_MEMBERS, type Source } from './documents.ts'
import { streamsClause } from './dsl.ts'
import { type Course, type Found, find, type Running } from './finding.ts'
import type { Entry } from './streams.ts'

/** Searches that one question may have under way. */
const MAX_SEARCHES = 4

const AHEAD = { term: { 'swarmlogs.ahead': true } }

/** The newest N are looked for in each group apart. */
export interface Group {
  readonly key: string
  /** Ids of its streams; undefined: all that the search is about. */
  readonly streams: readonly string[] | undefined
}

/** The groups of a question: one, or one for each task. */
export function groupsOf(entries: Iterable<Entry>, perTask: boolean): Group[] {
  if (!perTask) return [{ key: '', streams: undefined }]
  const groups = new Map<string, string[]>()
  for (const { stream, id } of entries) {
    const key = taskKey(stream)
    const ids = groups.get(key)
    if (ids === undefined) groups.set(key, [id])
    else ids.push(id)
  }
  return [...groups].map(([key, streams]) => ({ key, streams }))
}

/** The newest lines of each group, in no order; they must be few. */
export async function newestLines(
  running: Running,
  groups: readonly Group[],
  count: number,
  members: readonly string[],
): Promise<Found[]> {
  const newest: Found[] = []
  await eachGroup(running, groups, async (group, hasAhead) => {
    let left = count
    for await (const found of descend(running, group, { members, count, hasAhead })) {
      newest.push(...found.slice(0, left))
      left -= found.length
      if (left <= 0) return
    }
  })
  return newest
}

/** The places where the newest N of each group begin, by its key; groups that have fewer belong whole, and have none. */
export async function findCuts(
  running: Running,
  groups: readonly Group[],
  count: number,
): Promise<Map<string, Arrival>> {
  const cuts = new Map<string, Arrival>()
  const members = looksAtLines(running.filter) ? [...PLACE_MEMBERS, 'message', 'swarmlogs.long'] : PLACE_MEMBERS
  await eachGroup(running, groups, async (group, hasAhead) => {
    let left = count
    for await (const found of descend(running, group, { members, count, hasAhead })) {
      const last = found[left - 1]
      left -= found.length
      if (last !== undefined) return void cuts.set(group.key, arrivalOf(last.hit._source, last.entry))
    }
  })
  return cuts
}

async function eachGroup(
  running: Running,
  groups: readonly Group[],
  work: (group: Group, hasAhead: boolean) => Promise<void>,
): Promise<void> {
  // Clocks that run ahead are rare: with many groups it pays to ask once.
  const hasAhead = groups.length === 1 || (await hasAny(running, [AHEAD]))
  const gate = new Gate(MAX_SEARCHES)
  await Promise.all(groups.map((group) => gate.run(() => work(group, hasAhead))))
}

async function hasAny(running: Running, filters: readonly object[]): Promise<boolean> {
  const course: Course = { order: 'desc', filters, members: [...PLACE_MEMBERS, 'message', 'swarmlogs.long'], wanted: 1 }
  for await (const found of find(running, course)) return found.length > 0
  return false
}

/** A group's lines by arrival, the newest first: those whose clock ran ahead among the others by when they were received. */
async function* descend(
  running: Running,
  { streams }: Group,
  { members, count, hasAhead }: { members: readonly string[]; count: number; hasAhead: boolean },
): AsyncGenerator<readonly Found[]> {
  const own = streams === undefined ? [] : [streamsClause(streams)]
  const inTime = find(running, {
    order: 'desc',
    filters: [...own, ...(hasAhead ? [{ bool: { must_not: [AHEAD] } }] : [])],
    members,
    wanted: count,
  })
  if (!hasAhead) {
    yield* inTime
    return
  }
  const order = 'desc'
  const names = ['swarmlogs.received', 'swarmlogs.owner', 'log.iostream', 'swarmlogs.ordinal']
  const sort = names.map((name) => ({ [name]: { order } }))
  const ahead = find(running, { order, filters: [...own, AHEAD], members, wanted: count, sort, placeOf: aheadPlace })
  yield* merge(inTime, ahead)
}

function aheadPlace({ hit: { _source }, entry }: Found): (string | number)[] {
  return [_source['swarmlogs.received'], entry.owner, _source['log.iostream'], _source['swarmlogs.ordinal']]
}

/** Two walks, newest arrival first, as one. */
async function* merge(
  a: AsyncGenerator<readonly Found[]>,
  b: AsyncGenerator<readonly Found[]>,
): AsyncGenerator<readonly Found[]> {
  try {
    let [left, right] = await Promise.all([pull(a), pull(b)])
    while (left.length > 0 && right.length > 0) {
      const bound = later(left.at(-1), right.at(-1))
      const [newLeft, restLeft] = splitAt(left, bound)
      const [newRight, restRight] = splitAt(right, bound)
      yield [...newLeft, ...newRight].sort((x, y) => comparePositions(arrival(y), arrival(x)))
      left = restLeft.length > 0 ? restLeft : await pull(a)
      right = restRight.length > 0 ? restRight : await pull(b)
    }
    if (left.length > 0) yield left
    if (right.length > 0) yield right
    yield* a
    yield* b
  } finally {
    await Promise.all([a.return(undefined), b.return(undefined)])
  }
}

async function pull(walk: AsyncGenerator<readonly Found[]>): Promise<readonly Found[]> {
  const next = await walk.next()
  return next.done ? [] : next.value
}

/** Up to the newer of the two last ones both walks are known. */
function later(a: Found | undefined, b: Found | undefined): Arrival {
  if (a === undefined || b === undefined) throw new Error('BUG: an empty page')
  return comparePositions(arrival(a), arrival(b)) >= 0 ? arrival(a) : arrival(b)
}

function splitAt(found: readonly Found[], bound: Arrival): [readonly Found[], readonly Found[]] {
  const end = found.findIndex((one) => comparePositions(arrival(one), bound) < 0)
  return end < 0 ? [found, []] : [found.slice(0, end), found.slice(end)]
}

function arrival({ hit, entry }: { hit: { _source: Source }; entry: Entry }): Arrival {
  return arrivalOf(hit._source, entry)
}
