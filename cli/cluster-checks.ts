import type { ApiAgentStatus, ApiNodeStatus, ApiStatus } from '../shared/api/status.ts'
import type { Check, CheckState } from '../shared/check.ts'
import { bytesText } from './output/bytes.ts'
import { counted, named } from './output/counted.ts'

/** A clock that is ahead by more is wrong; one that is behind by less may be a report that took its time. */
const AHEAD_MS = 1_000
const BEHIND_MS = 5_000
/** A spool that is as full as this will soon hold no more. */
const SPOOL_SHARE = 0.8

type Late = NonNullable<ApiNodeStatus['late']>

/** What is said of nodes whose lines are not all here: how bad it is, what they are, what to do. */
const LATE: Readonly<Partial<Record<Late, readonly [state: CheckState, text: string, remedy: string]>>> = {
  no_agent: [
    'failed',
    'without an agent',
    'run one there: deploy it as a global service, and look why it does not start',
  ],
  not_connected: [
    'failed',
    'whose agent is not connected',
    "see the agent's log there; `swarmlogs doctor --server` run there tells more",
  ],
  no_report: ['warning', 'whose agent does not report', 'update it to the version of the server'],
  down: ['warning', 'down', 'start it, or remove it with docker node rm'],
  gone: ['warning', 'gone from the Swarm before all lines were here', 'start its agent once more, or let it be'],
  lagging: ['warning', 'behind', "see whether disk, network or CPU there are busy, and the agent's log"],
}

/** What is well and what is not about a server, its store and the agents, from what it tells of them. */
export function clusterChecks(status: ApiStatus): Check[] {
  const ofNodes = status.nodes.length === 0 ? [] : nodeChecks(status)
  return [...storeChecks(status), ...diskCheck(status), ...agentChecks(status), ...ofNodes, gapCheck(status)]
}

function nodeChecks(status: ApiStatus): Check[] {
  return [
    membershipCheck(status),
    ...oneOf('engines', ...engineCheck(status)),
    ...oneOf('spools', ...spoolCheck(status)),
    ...oneOf('clocks', ...clockCheck(status)),
    ...oneOf('versions', ...versionCheck(status)),
    ...containerChecks(status),
  ]
}

/** How the worst of the checks ended. */
export function worst(checks: readonly Check[]): CheckState {
  const has = (wanted: CheckState): boolean => checks.some(({ state }) => state === wanted)
  return has('failed') ? 'failed' : has('warning') ? 'warning' : 'ok'
}

const ok = (name: string, text: string): Check => ({ part: 'cluster', name, state: 'ok', text })
const warning = (name: string, text: string, remedy: string): Check => ({
  ...{ part: 'cluster', name, state: 'warning', text, remedy },
})
const failed = (name: string, text: string, remedy: string): Check => ({
  ...warning(name, text, remedy),
  state: 'failed',
})

/** All is well unless something is said. */
function oneOf(name: string, text: string, found: readonly Check[]): readonly Check[] {
  return found.length > 0 ? found : [ok(name, text)]
}

function storeChecks({ store }: ApiStatus): Check[] {
  const checks = store.writable
    ? [ok('store', `the ${store.kind} store takes lines`)]
    : [
        failed(
          'store',
          `the store takes no lines: ${store.reason ?? ''}`,
          "see the server's log; agents spool meanwhile",
        ),
      ]
  if (store.absent !== undefined) {
    const text = `the archive is not found, lines of past days may be missing: ${store.absent}`
    checks.push(warning('archive', text, 'see that its storage can be reached: the server looks every minute'))
  }
  // Those of the archive have a folder before their names, and stay where they are.
  const archived = store.damaged.filter((name) => name.includes('/'))
  const aside = store.damaged.filter((name) => !name.includes('/'))
  if (archived.length > 0) {
    const text = `damaged in the archive: ${named(archived)}`
    checks.push(warning('archive', text, 'check the disk, put back a copy; `swarmlogs archive verify` names all'))
  }
  if (aside.length > 0) {
    const text = `${counted(aside.length, 'file')} set aside as damaged: ${named(aside)}`
    checks.push(warning('damaged', text, 'check the disk; once it is sound, remove them from the folder of the store'))
  }
  if (store.refused > 0) {
    const text = `${counted(store.refused, 'line')} that the store would never take`
    checks.push(warning('refused', text, '`swarmlogs status --refused` tells why'))
  }
  return checks
}

/** The store may fill its disk before it has reached its own bound. */
function diskCheck({ store }: ApiStatus): Check[] {
  const { free_bytes: free, max_bytes: max, bytes } = store
  if (free === undefined || max === undefined) return []
  const growth = Math.max(0, max - bytes)
  const text = `the store's disk has ${bytesText(free)} free, the store may grow by ${bytesText(growth)}`
  return [free < growth ? warning('disk', text, 'lower --max-size, or make room') : ok('disk', text)]
}

function membershipCheck({ membership, observers }: ApiStatus): Check {
  if (membership === 'known')
    return ok(
      'membership',
      observers.length > 0 ? `${named(observers)} tells who is in the Swarm` : 'no Swarm is known',
    )
  const remedy = 'run an agent on a manager, or `swarmlogs observer` where managers are drained'
  return warning('membership', 'nobody tells which nodes are in the Swarm', remedy)
}

function agentChecks({ nodes }: ApiStatus): readonly Check[] {
  if (nodes.length === 0) return [failed('agents', 'no agent has reported', 'start one: `swarmlogs agent --help`')]
  const found: Check[] = []
  for (const [late, said] of Object.entries(LATE)) {
    const those = nodes.filter((node) => node.late === late)
    if (those.length === 0) continue
    const [state, text, remedy] = said
    found.push({ ...warning('agents', `${counted(those.length, 'node')} ${text}: ${namesOf(those)}`, remedy), state })
  }
  return oneOf('agents', `${counted(nodes.length, 'node')}: no agent is missing`, found)
}

function engineCheck({ nodes }: ApiStatus): [string, Check[]] {
  const found = connected(nodes).filter(({ agent }) => agent.trouble !== '')
  const text = (those: typeof found) => `the engine cannot be reached on ${named(those.map(withTrouble))}`
  return ['all engines answer', found.length === 0 ? [] : [failed('engines', text(found), "see dockerd's log there")]]
}

function withTrouble({ name, agent }: { name: string; agent: ApiAgentStatus }): string {
  return `${name} (${agent.trouble})`
}

function spoolCheck({ nodes }: ApiStatus): [string, Check[]] {
  const all = connected(nodes)
  const waiting = all.filter(({ agent }) => agent.spool.waits !== '')
  const filling = all.filter(
    ({ agent: { spool } }) => spool.waits === '' && spool.bytes > spool.max_bytes * SPOOL_SHARE && spool.max_bytes > 0,
  )
  const found: Check[] = []
  if (waiting.length > 0) {
    const text = `spools that take no more lines: ${named(waiting.map(({ name, agent }) => `${name} (${agent.spool.waits})`))}`
    found.push(failed('spools', text, 'see why the server takes none; full: raise --spool-size; disk: make room there'))
  }
  if (filling.length > 0) {
    const text = `spools that are nearly full: ${namesOf(filling)}`
    found.push(warning('spools', text, 'see why the server takes so little, or raise --spool-size'))
  }
  return ['no spool is full', found]
}

function clockCheck({ nodes }: ApiStatus): [string, Check[]] {
  const off = connected(nodes).filter(
    ({ agent: { ahead_ms: ms, spool } }) => ms > AHEAD_MS || (ms < -BEHIND_MS && spool.chunks === 0),
  )
  const seconds = (ms: number): string => `${Math.abs(ms / 1000).toFixed(1)} s ${ms > 0 ? 'ahead' : 'behind'}`
  const text = `clocks that differ from the server's: ${named(off.map(({ name, agent }) => `${name} ${seconds(agent.ahead_ms)}`))}`
  return ['all clocks agree', off.length === 0 ? [] : [warning('clocks', text, 'set them by NTP (chrony)')]]
}

function versionCheck({ nodes, version }: ApiStatus): [string, Check[]] {
  const others = connected(nodes).filter(({ agent }) => agent.version !== version)
  const list = named(others.map(({ name, agent }) => `${name} ${agent.version}`))
  const text = `agents of another version than the server's ${version}: ${list}`
  const found = others.length === 0 ? [] : [warning('versions', text, 'update them all, the server first')]
  return [`server and agents are ${version}`, found]
}

const CONTAINERS = [
  [
    'unreadable',
    'whose log driver cannot be read',
    'log with json-file, local or journald, or leave the engine its copy (no cache-disabled)',
  ],
  ['lossy', 'whose log driver may drop lines by itself', 'log with json-file or local, mode=blocking'],
  ['unrotated', 'whose log is never rotated', 'give log-opts max-size and max-file, best in daemon.json'],
] as const

function containerChecks(status: ApiStatus): Check[] {
  return CONTAINERS.flatMap(([name, what, remedy]) => {
    const { count, named: list } = status[name]
    if (count === 0) return []
    const services = new Set(list.map((one) => one['service.name'] || one['container.id'].slice(0, 12)))
    return [warning(name, `${counted(count, 'container')} ${what}: ${named([...services])}`, remedy)]
  })
}

function gapCheck({ gaps }: ApiStatus): Check {
  if (gaps === undefined) return warning('gaps', 'the store does not tell what was lost', "see the server's log")
  // What is older than an agent was told to read was left out on purpose.
  const lost = gaps.count - (gaps.reasons.horizon ?? 0)
  if (lost <= 0) return ok('gaps', 'no lines were lost in the last day')
  const reasons = Object.entries(gaps.reasons).filter(([reason]) => reason !== 'lossy' && reason !== 'horizon')
  const list = named(reasons.map(([reason, count]) => `${count} ${reason}`))
  return warning('gaps', `${counted(lost, 'gap')} in the last day: ${list}`, '`swarmlogs status` shows the newest')
}

function connected(nodes: readonly ApiNodeStatus[]): { name: string; agent: ApiAgentStatus }[] {
  return nodes.flatMap(({ name, id, agent }) => (agent?.connected ? [{ name: name || id, agent }] : []))
}

function namesOf(nodes: readonly { readonly name: string; readonly id?: string }[]): string {
  return named(nodes.map(({ name, id = '' }) => name || id))
}
