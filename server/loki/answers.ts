import type { Budget } from './budget.ts'
import type { Entry } from './entry.ts'
import { type Labels, LINE_NAMES, labelsText } from './labels.ts'
import type { Numbers } from './metrics.ts'
import { checkSeries } from './series.ts'
import type { Steps } from './windows.ts'

const NS_PER_MS = 1_000_000n
/** Says that labels of lines stand apart. */
const FLAGS = '"encodingFlags":["categorize-labels"],'
const OWN = new Set<string>(LINE_NAMES)

/** What stands beside a result. */
export interface Beside {
  readonly warnings: readonly string[]
  readonly budget: Budget
}

/** An answer of values that are strings or label sets. */
export function listText(data: readonly unknown[]): string {
  return JSON.stringify({ status: 'success', data })
}

/** Lines by their labels. With `isApart` labels of lines stand with the lines, which Grafana asks for by a header. */
export function streamsText(entries: readonly Entry[], isApart: boolean, beside: Beside): string {
  const streams = new Map<string, string[]>()
  for (const entry of entries) {
    const key = labelsText(isApart ? streamPart(entry) : entry.labels)
    const values = streams.get(key) ?? []
    streams.set(key, values)
    values.push(valueText(entry, isApart))
  }
  const result = [...streams].map(streamText).join(',')
  return dataText(`${isApart ? FLAGS : ''}"resultType":"streams","result":[${result}]`, entries.length, beside)
}

/** Lines of a tail, in the order that they came in: a stream comes again where another one was between. */
export function tailText(entries: readonly Entry[], isApart: boolean): string {
  const runs: [string, string[]][] = []
  for (const entry of entries) {
    const key = labelsText(isApart ? streamPart(entry) : entry.labels)
    if (runs.at(-1)?.[0] !== key) runs.push([key, []])
    runs.at(-1)?.[1].push(valueText(entry, isApart))
  }
  return `{${isApart ? FLAGS : ''}"streams":[${runs.map(streamText).join(',')}]}`
}

/** Numbers over time. */
export function matrixText(numbers: Numbers, steps: Steps, beside: Beside): string {
  const series =
    numbers.kind === 'series'
      ? numbers.series
      : [{ labels: new Map(), values: Array<number>(steps.count).fill(numbers.value) }]
  checkSeries(series)
  const result = series.flatMap(({ labels, values }) => {
    const points = values.flatMap((value, at) =>
      value === undefined ? [] : [`[${secondsAt(steps, at)},"${numberText(value)}"]`],
    )
    return points.length === 0 ? [] : [`{"metric":${labelsText(labels)},"values":[${points.join(',')}]}`]
  })
  return dataText(`"resultType":"matrix","result":[${result.join(',')}]`, result.length, beside)
}

/** Numbers at one moment, the first of the steps. */
export function vectorText(numbers: Numbers, steps: Steps, beside: Beside): string {
  const time = secondsAt(steps, 0)
  if (numbers.kind === 'scalar')
    return dataText(`"resultType":"scalar","result":[${time},"${numberText(numbers.value)}"]`, 1, beside)
  checkSeries(numbers.series)
  const result = numbers.series.flatMap(({ labels, values: [value] }) =>
    value === undefined ? [] : [`{"metric":${labelsText(labels)},"value":[${time},"${numberText(value)}"]}`],
  )
  return dataText(`"resultType":"vector","result":[${result.join(',')}]`, result.length, beside)
}

function valueText(entry: Entry, isApart: boolean): string {
  return `["${entry.record.time}",${JSON.stringify(entry.line)}${isApart ? `,${linePart(entry)}` : ''}]`
}

function streamText([labels, values]: readonly [string, readonly string[]]): string {
  return `{"stream":${labels},"values":[${values.join(',')}]}`
}

function dataText(result: string, returned: number, { warnings, budget }: Beside): string {
  const summary = {
    execTime: budget.seconds,
    totalLinesProcessed: budget.lines,
    totalEntriesReturned: returned,
  }
  const notes = warnings.length === 0 ? '' : `"warnings":${JSON.stringify(warnings)},`
  return `{"status":"success",${notes}"data":{${result},"stats":${JSON.stringify({ summary })}}}`
}

function streamPart(entry: Entry): Labels {
  return new Map([...entry.labels].filter(([name]) => !entry.parsed.has(name) && !OWN.has(name)))
}

function linePart(entry: Entry): string {
  const own = [...entry.labels].filter(([name]) => !entry.parsed.has(name) && OWN.has(name))
  const parsed = [...entry.labels].filter(([name]) => entry.parsed.has(name))
  const parts = [own.length > 0 ? `"structuredMetadata":${labelsText(new Map(own))}` : []].flat()
  if (parsed.length > 0) parts.push(`"parsed":${labelsText(new Map(parsed))}`)
  return `{${parts.join(',')}}`
}

function secondsAt({ start, step }: Steps, at: number): number {
  return Number((start + step * BigInt(at)) / NS_PER_MS) / 1000
}

/** As Go writes what is no number. */
function numberText(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value)
  return value > 0 ? '+Inf' : '-Inf'
}
