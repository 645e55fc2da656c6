import { Gauge, type Registry } from 'prom-client'
import { LATE_REASONS } from '../shared/api/completeness.ts'
import type { ApiAgentStatus, ApiNodeStatus, ApiStatus } from '../shared/api/status.ts'
import { GAP_REASONS } from '../shared/gap.ts'

/** Nodes that have metrics of their own; far more than most Swarms have, and no more than a scrape can bear. */
const MAX_NODES = 1_000

/** Shows at /metrics what GET /status tells; it is read once for each scrape. */
export function watchNodes(registry: Registry, read: () => Promise<ApiStatus>): void {
  let reading: Promise<ApiStatus> | undefined
  const status = (): Promise<ApiStatus> => {
    // A scrape asks all gauges in the same turn.
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }
  const gauge = (name: string, help: string, labelNames: string[], set: (gauge: Gauge, status: ApiStatus) => void) =>
    new Gauge({
      ...{ name: `swarmlogs_${name}`, help, labelNames, registers: [registry] },
      async collect(this: Gauge) {
        const answer = await status()
        this.reset()
        set(this, answer)
      },
    })
  for (const [name, help, value] of OF_AGENTS)
    gauge(name, help, ['node', 'node_id'], (to, { nodes }) => setForNodes(to, nodes, value))
  for (const [name, help, value] of OF_ALL) gauge(name, help, [], (to, answer) => to.set(value(answer)))
  gauge('nodes_late', 'Nodes whose lines are not all here, by reason.', ['reason'], (to, { nodes }) => {
    for (const reason of LATE_REASONS) to.set({ reason }, nodes.filter(({ late }) => late === reason).length)
  })
  gauge('gaps', 'Gaps of the last day, by reason.', ['reason'], (to, { gaps }) => {
    for (const reason of gaps ? GAP_REASONS : []) to.set({ reason }, gaps?.reasons[reason] ?? 0)
  })
  gauge('containers_odd', 'Containers whose logs cannot be had whole.', ['kind'], (to, answer) => {
    for (const kind of ['unreadable', 'lossy', 'unrotated'] as const) to.set({ kind }, answer[kind].count)
  })
}

type OfAgent = readonly [name: string, help: string, value: (agent: ApiAgentStatus) => number | undefined]

const OF_AGENTS: readonly OfAgent[] = [
  ['agent_connected', 'Whether the agent of a node is connected.', ({ connected }) => (connected ? 1 : 0)],
  [
    'agent_lag_seconds',
    'How long ago all lines of a node were stored.',
    ({ lag_ms: lag }) => (lag === undefined ? undefined : lag / 1000),
  ],
  ['agent_spool_bytes', 'Lines that wait on the disk of a node.', ({ spool }) => spool.bytes],
  ['agent_spool_max_bytes', 'How many may wait there.', ({ spool }) => spool.max_bytes],
  ['agent_lines_per_second', 'Lines that a node prints, over a minute.', (agent) => agent.lines_per_second],
  ['agent_clock_ahead_seconds', "Clock of a node ahead of the server's.", ({ ahead_ms: ms }) => ms / 1000],
]

const OF_ALL: readonly (readonly [name: string, help: string, value: (status: ApiStatus) => number])[] = [
  ['complete', 'Whether all lines of now are here.', ({ verdict }) => (verdict === 'complete' ? 1 : 0)],
  [
    'membership_known',
    'Whether a manager tells which nodes there are.',
    ({ membership }) => (membership === 'known' ? 1 : 0),
  ],
  ['nodes', 'Nodes that logs are to be collected of.', ({ nodes }) => nodes.length],
  ['archive_days', 'Days that are archived.', ({ store }) => store.archive?.days ?? 0],
  ['archive_bytes', 'Bytes that archived days take.', ({ store }) => store.archive?.bytes ?? 0],
  ['store_refused_records', 'Lines that the store would never take.', ({ store }) => store.refused],
]

function setForNodes(gauge: Gauge, nodes: readonly ApiNodeStatus[], value: OfAgent[2]): void {
  for (const { name, id, agent } of nodes.slice(0, MAX_NODES)) {
    const found = agent && value(agent)
    if (found !== undefined) gauge.set({ node: name, node_id: id }, found)
  }
}
