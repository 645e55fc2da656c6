import { LEVELS, type LogStream, type Source } from '../../shared/record.ts'
import type { Filter } from '../query/query.ts'
import { MAX_COUNTS } from '../store/histogram.ts'
import type { Store } from '../store/store.ts'
import type { Budget } from './budget.ts'
import type { Entry } from './entry.ts'
import { canonical, type Labelling, type Labels, LINE_NAMES, labelsText, STREAM_NAMES } from './labels.ts'
import type { Grouping, RangeQuery } from './logql/tree.ts'
import { type Plan, planOf } from './plan.ts'
import { refused } from './refuse.ts'
import { Groups, groupLabels, type Series } from './series.ts'
import { intervalOf, type Steps, spanOf, type Windows, windowsWith } from './windows.ts'

/** Rather than more histograms the lines are read. */
const MAX_HISTOGRAMS = 64
/** Levels, and none. */
const MAX_KEYS = LEVELS.length + 1

/** What numbers are made of. */
export interface Samples {
  readonly store: Store
  readonly labelling: Labelling
  readonly streams: readonly LogStream[]
  readonly receivedUpTo: bigint
  readonly budget: Budget
}

/** Adds up numbers by window. */
class Sums {
  /** What begins to count with a window, less what ended with the one before. */
  readonly #amounts: Float64Array
  readonly #lines: Float64Array

  constructor(count: number) {
    this.#amounts = new Float64Array(count + 1)
    this.#lines = new Float64Array(count + 1)
  }

  add([first, last]: readonly [number, number], amount: number, lines: number): void {
    for (const [sums, value] of [[this.#amounts, amount] as const, [this.#lines, lines] as const]) {
      sums[first] = (sums[first] ?? 0) + value
      sums[last + 1] = (sums[last + 1] ?? 0) - value
    }
  }

  /** Undefined where there was no line. */
  values(divisor: number): (number | undefined)[] {
    let [amount, lines] = [0, 0]
    return Array.from({ length: this.#amounts.length - 1 }, (_, at) => {
      amount += this.#amounts[at] ?? 0
      lines += this.#lines[at] ?? 0
      return lines === 0 ? undefined : amount / divisor
    })
  }
}

/** Counts the lines (or bytes) of each window, added up by the grouping. Without reading them, where the store can count them exactly. */
export async function sample(
  samples: Samples,
  query: RangeQuery,
  grouping: Grouping | undefined,
  steps: Steps,
): Promise<Series[]> {
  const plan = planOf(query.query, samples.labelling)
  const windows = { ...steps, start: steps.start - query.offset, range: query.range }
  const groups = new Groups(steps.count, () => new Sums(steps.count))
  const isBytes = query.by === 'bytes_over_time' || query.by === 'bytes_rate'
  const parts = isBytes || !plan.isCountable ? undefined : countable(samples, plan, grouping, windows)
  if (parts === undefined) await read(samples, { plan, grouping, windows, isBytes }, groups)
  else for (const part of parts) await count(samples, part, windows, groups)
  const divisor = query.by === 'rate' || query.by === 'bytes_rate' ? Number(query.range) / 1e9 : 1
  return [...groups].map(({ labels, value }) => ({ labels, values: value.values(divisor) }))
}

/** Lines that are counted by one histogram, and their labels by its keys. */
interface Part {
  readonly filter: Filter
  readonly by: 'none' | 'level'
  readonly labelsOf: (key: string) => Labels
}

/** Parts of which all lines go under the same labels but for their level. Undefined when that would be too many. */
function countable(samples: Samples, plan: Plan, grouping: Grouping | undefined, windows: Windows): Part[] | undefined {
  const { labelling, streams } = samples
  const needed = neededLabels(grouping)
  const labelsOf = (stream: LogStream) => new Map([...labelling.ofStream(stream)].filter(([name]) => needed.has(name)))
  const alike = new Map<string, Labels>()
  for (const stream of streams) if (plan.accepts(stream)) alike.set(labelsText(labelsOf(stream)), labelsOf(stream))
  const sources: readonly (Source | undefined)[] = needed.has('source') ? plan.sources : [undefined]
  const { since, until } = spanOf(windows)
  const buckets = Number((until - since) / intervalOf(windows).interval) + 1
  if (alike.size * sources.length > MAX_HISTOGRAMS || buckets * MAX_KEYS > MAX_COUNTS) return undefined
  const by = needed.has('level') ? 'level' : 'none'
  return [...alike].flatMap(([key, labels]) => {
    // The store may know a stream by another object.
    const accepts = (stream: LogStream) => plan.accepts(stream) && labelsText(labelsOf(stream)) === key
    return sources.map((source) => ({
      filter: { ...plan.filter, accepts, ...(source && { sources: [source] }) },
      by,
      labelsOf: (level: string) => groupOf(labels, source, level, grouping),
    }))
  })
}

function groupOf(stream: Labels, source: Source | undefined, level: string, grouping: Grouping | undefined): Labels {
  const labels = new Map(stream)
  if (source !== undefined) labels.set('source', source)
  if (level !== '') labels.set('level', level)
  return groupLabels(labels, grouping, (label) => labels.get(canonical(label)) ?? '')
}

function neededLabels(grouping: Grouping | undefined): ReadonlySet<string> {
  const named = new Set((grouping?.labels ?? []).map(canonical))
  if (grouping?.kind === 'by') return named
  return new Set([...STREAM_NAMES, ...LINE_NAMES].filter((name) => !named.has(name)))
}

async function count(
  { store, budget, receivedUpTo }: Samples,
  { filter, by, labelsOf }: Part,
  windows: Windows,
  groups: Groups<Sums>,
): Promise<void> {
  const { interval, origin } = intervalOf(windows)
  const scope = { filter, ...spanOf(windows), receivedUpTo }
  const buckets = await budget.run((signal) => store.histogram(scope, { interval, origin, by }, signal))
  for (const { start, counts } of buckets) {
    const among = windowsWith(windows, start + interval - 1n)
    if (among !== undefined) for (const [key, lines] of counts) groups.of(labelsOf(key)).add(among, lines, lines)
  }
}

interface Reading {
  readonly plan: Plan
  readonly grouping: Grouping | undefined
  readonly windows: Windows
  readonly isBytes: boolean
}

async function read(samples: Samples, reading: Reading, groups: Groups<Sums>): Promise<void> {
  const { store, budget, receivedUpTo } = samples
  const { plan, grouping, windows, isBytes } = reading
  const query = { filter: plan.filter, ...spanOf(windows), receivedUpTo, order: 'asc' as const }
  // Lines whose labels no stage has changed share them.
  const known = new WeakMap<Labels, Sums>()
  for await (const records of store.search(query, budget.signal)) {
    budget.spend(records.length)
    budget.check()
    for (const record of records) {
      const among = windowsWith(windows, record.time)
      const entry = among === undefined ? undefined : plan.take(record)
      if (among === undefined || entry === undefined) continue
      checkError(entry)
      const sums = known.get(entry.labels) ?? groups.of(groupLabels(entry.labels, grouping, (name) => entry.get(name)))
      known.set(entry.labels, sums)
      sums.add(among, isBytes ? Buffer.byteLength(entry.line) : 1, 1)
    }
  }
  budget.check()
  budget.signal.throwIfAborted()
}

/** As in Loki a line that a stage could not read must be left out by name. */
function checkError(entry: Entry): void {
  const error = entry.get('__error__')
  if (error === '') return
  const line = entry.line.slice(0, 100)
  throw refused(
    `cannot count a line with the error ${error}: ${line}; leave such lines out by | __error__="", or ignore it by | drop __error__`,
  )
}
