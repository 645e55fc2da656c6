import type { ApiGap } from '../../shared/api/record.ts'
import type { ApiNodeStatus, ApiStatus } from '../../shared/api/status.ts'
import type { Check } from '../../shared/check.ts'
import { clusterChecks } from '../cluster-checks.ts'
import { ago } from './ago.ts'
import { bytesText } from './bytes.ts'
import { counted, named } from './counted.ts'
import { gapText } from './gap-text.ts'
import { wrapped } from './wrapped.ts'

const NAME_WIDTH = 12
const MIN_NODE_WIDTH = 8
const DAY_MS = 86_400_000
const HEADING = ['NODE', 'ROLE', 'STATE', 'AGENT', 'ENGINE', 'LAG', 'SPOOL', 'LINES/S', 'READS']

/** How a server, its store and the agents are, as the lines of a screen of this width. */
export function statusScreen(status: ApiStatus, now: number, width: number): string[] {
  const attention = clusterChecks(status).filter(({ state }) => state !== 'ok')
  const rows: readonly (readonly [name: string, texts: readonly string[]])[] = [
    ['SERVER', [status.version]],
    ['VERDICT', [verdictOf(status)]],
    ['OBSERVER', [status.observers.length > 0 ? named(status.observers) : 'none']],
    ['STORE', storeOf(status, now)],
    ['GAPS', gapsOf(status)],
    ['ATTENTION', attention.length === 0 ? ['nothing'] : attention.map(attentionText)],
  ]
  return [...rows.flatMap(([name, texts]) => field(name, texts, width)), '', ...nodeTable(status.nodes, width)]
}

function field(name: string, texts: readonly string[], width: number): string[] {
  const lines = texts.flatMap((text) => {
    const [first = '', ...rest] = wrapped(text, width - NAME_WIDTH)
    return [first, ...rest.map((line) => (texts.length > 1 ? `  ${line}` : line))]
  })
  return lines.map((line, index) => (index === 0 ? name : '').padEnd(NAME_WIDTH) + line)
}

function verdictOf({ verdict, membership, nodes }: ApiStatus): string {
  if (verdict === 'complete') return `complete: the lines of ${counted(nodes.length, 'node')} come in`
  const late = nodes.filter((node) => node.late !== undefined).length
  const unknown = membership === 'unknown' ? ['which nodes there are is not known'] : []
  const parts = [...(late > 0 ? [`lines of ${counted(late, 'node')} are missing`] : []), ...unknown]
  return parts.length === 0 ? verdict : `${verdict}: ${parts.join('; ')}`
}

function storeOf({ store }: ApiStatus, now: number): string[] {
  const parts = store.kind === 'elasticsearch' ? (['index', 'indices'] as const) : (['file', 'files'] as const)
  const begins = store.begins === undefined ? undefined : Date.parse(store.begins)
  const days = begins === undefined ? '' : ` of ${counted(Math.max(1, Math.ceil((now - begins) / DAY_MS)), 'day')}`
  const oldest = begins === undefined ? '' : `, the oldest of ${ago(begins, now)}`
  return [
    `${store.kind} ${store.id}, epoch ${store.epoch}`,
    store.writable ? 'takes lines' : `takes no lines: ${store.reason ?? ''}`,
    `${counted(store.records, 'line')}${days} in ${counted(store.segments, parts[0], parts[1])}, ${bytesText(store.bytes)}${oldest}`,
    ...(store.archive === undefined || store.archive.days + store.archive.kept === 0
      ? []
      : [archiveText(store.archive)]),
    ...(store.changed === undefined ? [] : [store.changed]),
    ...(store.absent === undefined ? [] : [`lines of past days may be missing: ${store.absent}`]),
    ...(store.damaged.length > 0 ? [`damaged: ${store.damaged.join(', ')}`] : []),
    ...(store.refused > 0 ? [`${store.refused} refused: see swarmlogs status --refused`] : []),
  ]
}

function archiveText({ days, bytes, kept }: NonNullable<ApiStatus['store']['archive']>): string {
  return `archived: ${counted(days, 'day')}, ${bytesText(bytes)}${kept > 0 ? `; ${counted(kept, 'day')} on hold` : ''}`
}

function gapsOf({ gaps }: ApiStatus): string[] {
  if (gaps === undefined) return ['the store does not tell']
  if (gaps.count === 0) return ['none in the last day']
  return [`${gaps.count} in the last day`, ...gaps.newest.map((gap: ApiGap) => gapText(gap))]
}

function attentionText({ text, remedy }: Check): string {
  return remedy === undefined ? text : `${text}: ${remedy}`
}

function nodeTable(nodes: readonly ApiNodeStatus[], width: number): string[] {
  const rows = [HEADING, ...nodes.map(rowOf)]
  const widths = HEADING.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  const others = widths.slice(1).reduce((sum, one) => sum + one + 2, 0)
  widths[0] = Math.min(widths[0] ?? 0, Math.max(MIN_NODE_WIDTH, width - others))
  return rows.map((row) => {
    const cells = row.map((cell, column) => shortened(cell, widths[column] ?? 0).padEnd(widths[column] ?? 0))
    return cells.join('  ').trimEnd()
  })
}

function rowOf({ name, id, role, state, engine, agent }: ApiNodeStatus): string[] {
  const node = [name || id, role, state]
  if (agent === undefined) return [...node, 'none', engine]
  const version = agent.connected ? agent.version : 'away'
  const lag = agent.lag_ms === undefined ? '' : durationText(agent.lag_ms)
  const { spool, lines_per_second: rate, following } = agent
  return [...node, version, engine, lag, bytesText(spool.bytes), rate.toFixed(rate < 10 ? 1 : 0), String(following)]
}

/** `1.8s`, `12m`, `3h`, `4d`. */
function durationText(ms: number): string {
  const seconds = ms / 1000
  if (seconds < 10) return `${seconds.toFixed(1)}s`
  if (seconds < 120) return `${Math.round(seconds)}s`
  if (seconds < 7200) return `${Math.round(seconds / 60)}m`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)}h` : `${Math.round(seconds / 86_400)}d`
}

function shortened(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`
}
