import { describe, expect, it } from 'vitest'
import { type Asked, judge, type Known } from '../../../server/completeness/judge.ts'
import { nodeKey } from '../../../server/completeness/reports.ts'
import { wantedOf } from '../../../server/completeness/wanted.ts'
import type { Departure, FormerPlacement } from '../../../server/former.ts'
import type { Filter } from '../../../server/query/query.ts'
import { resolveTarget } from '../../../server/query/targets.ts'
import type { Inventory, NodeInfo, ServiceInfo } from '../../../shared/inventory.ts'
import type { LogStream } from '../../../shared/record.ts'
import type { AgentReport } from '../../../shared/report.ts'
import { inventoryOf } from '../inventory.ts'
import { containersOf, reportOf } from '../report.ts'
import { ALL, SECOND, streamOf } from '../store/records.ts'

const NOW = 1_000_000n * SECOND
const at = (secondsAgo: bigint): string => String(NOW - secondsAgo * SECOND)
const node = (id: string, fields: Partial<NodeInfo> = {}): NodeInfo => ({
  ...{ id, name: `name-${id}`, role: 'worker', availability: 'active', state: 'ready', engine: '26' },
  ...fields,
})
const service = (name: string, replicas = 1): ServiceInfo => ({
  ...{
    id: `service-${name}`,
    name: `shop_${name}`,
    stack: 'shop',
    mode: 'replicated',
    replicas,
    image: 'i',
    update: '',
  },
})
const swarm = (nodes: readonly NodeInfo[], inventory: Partial<Inventory> = {}): Inventory =>
  inventoryOf({
    nodes,
    services: [service('web', 3), service('api')],
    placements: [
      { serviceId: 'service-web', nodeId: 'node1' },
      { serviceId: 'service-api', nodeId: 'node2' },
    ],
    ...inventory,
  })
const report = (id: string, fields: Partial<AgentReport> = {}): AgentReport =>
  reportOf({ nodeId: id, nodeName: `name-${id}`, upTo: at(3n), ...fields })

const departure = (id: string, time: string, serviceIds: readonly string[] = []): Departure => ({
  ...{ cluster: 'cluster1', node: node(id, { state: 'down' }), serviceIds, time },
})

interface Case {
  readonly nodes?: readonly NodeInfo[]
  readonly inventories?: readonly Inventory[]
  readonly reports?: readonly AgentReport[]
  readonly gone?: readonly string[]
  /** Nodes that left so many seconds ago, and what they ran. */
  readonly left?: Readonly<Record<string, bigint>>
  readonly ran?: readonly string[]
  readonly former?: readonly FormerPlacement[]
  readonly observedAgo?: bigint
  readonly isObserverGone?: boolean
  readonly filter?: Partial<Filter>
  readonly target?: string
  readonly streams?: readonly LogStream[]
  readonly sinceAgo?: bigint
  readonly untilAgo?: bigint
}

function judged(given: Case) {
  const inventories = given.inventories ?? [swarm(given.nodes ?? [node('node1'), node('node2')])]
  const reports = given.reports ?? [report('node1'), report('node2')]
  const { observedAgo = 1n, gone = [], streams = [] } = given
  const known: Known = {
    ...{ now: NOW, inventories, reports: new Map(reports.map((one) => [nodeKey(one), one])) },
    former: given.former ?? [],
    departed: new Map(Object.entries(given.left ?? {}).map(([id, ago]) => [id, departure(id, at(ago), given.ran)])),
    observed: (_, isConnected) => (isConnected && given.isObserverGone ? 0n : NOW - observedAgo * SECOND),
    isConnected: (key) => !gone.includes(key) && reports.some((one) => nodeKey(one) === key),
  }
  const targets =
    given.target === undefined
      ? []
      : [resolveTarget(given.target, { streams, services: inventories.flatMap(({ services }) => services) })]
  const accepts = (stream: LogStream) => targets.length === 0 || targets.some(({ matches }) => matches(stream))
  const wanted = wantedOf(
    {
      targets,
      filter: { ...ALL, ...given.filter, accepts },
      matched: streams.map((stream) => ({ stream, records: 1, first: 0n, last: 0n })),
    },
    () => 'cluster1',
  )
  const asked: Asked = {
    ...wanted,
    ...(given.sinceAgo !== undefined && { since: NOW - given.sinceAgo * SECOND }),
    ...(given.untilAgo !== undefined && { until: NOW - given.untilAgo * SECOND }),
  }
  const { nodes, isMembershipKnown } = judge(known, asked)
  return {
    late: nodes.map(({ id, reason, upTo }) => [id, reason, ...(upTo === undefined ? [] : [(NOW - upTo) / SECOND])]),
    isMembershipKnown,
  }
}

const former = (serviceId: string, nodeId: string, ago: bigint): FormerPlacement => ({
  ...{ cluster: 'cluster1', service: service(serviceId.slice('service-'.length)), nodeId, time: at(ago) },
})
const CUT_OFF: Case = { reports: [report('node1'), report('node2', { upTo: at(60n) })], gone: ['node2'] }

const well = (given: Case = {}) => [given, []] as const
const late = (given: Case, ...nodes: readonly unknown[][]) => [given, nodes] as const
const two = [node('node1'), node('node2')]

describe('judge', () => {
  it.each<[string, readonly [Case, readonly unknown[]]]>([
    ['all report in time', well()],
    ['a report is 15 s old', well({ reports: [report('node1', { upTo: at(15n) }), report('node2')] })],
    ['one lags', late({ reports: [report('node1', { upTo: at(16n) }), report('node2')] }, ['node1', 'lagging', 16n])],
    [
      'one lags behind a time that it has passed',
      well({ reports: [report('node1', { upTo: at(90n) }), report('node2')], untilAgo: 90n }),
    ],
    [
      'one has all before a time',
      well({ reports: [report('node1', { upTo: String(NOW - 90n * SECOND - 1n) }), report('node2')], untilAgo: 90n }),
    ],
    [
      'one lacks the last moment before a time',
      late({ reports: [report('node1', { upTo: String(NOW - 90n * SECOND - 2n) }), report('node2')], untilAgo: 90n }, [
        'node1',
        'lagging',
        90n,
      ]),
    ],
    [
      'one lags behind a time',
      late({ reports: [report('node1', { upTo: at(91n) }), report('node2')], untilAgo: 90n }, [
        'node1',
        'lagging',
        91n,
      ]),
    ],
    ['a time to come is an open end', well({ untilAgo: -60n })],
    ['a node has no agent', late({ reports: [report('node1')] }, ['node2', 'no_agent'])],
    [
      'a node is down and never had one',
      late({ nodes: [node('node1'), node('node2', { state: 'down' })], reports: [report('node1')] }, ['node2', 'down']),
    ],
    [
      'a node is down',
      late(
        {
          nodes: [node('node1'), node('node2', { state: 'down' })],
          reports: [report('node1'), report('node2', { upTo: at(60n) })],
          gone: ['node2'],
        },
        ['node2', 'down', 60n],
      ),
    ],
    [
      'an agent is not connected',
      late({ reports: [report('node1'), report('node2', { upTo: at(60n) })], gone: ['node2'] }, [
        'node2',
        'not_connected',
        60n,
      ]),
    ],
    [
      'an agent that ended well may have left containers running',
      late(
        {
          reports: [report('node1'), report('node2', { upTo: at(60n), leaving: true, unfinished: 0 })],
          gone: ['node2'],
        },
        ['node2', 'not_connected', 60n],
      ),
    ],
    [
      'a service ran on a node that was cut off since, and Docker has forgotten its task there',
      late({ ...CUT_OFF, filter: { services: ['shop_web'] }, former: [former('service-web', 'node2', 30n)] }, [
        'node2',
        'not_connected',
        60n,
      ]),
    ],
    [
      'a service ran on a node that was cut off after all of it was here',
      well({ ...CUT_OFF, filter: { services: ['shop_web'] }, former: [former('service-web', 'node2', 61n)] }),
    ],
    [
      'a service ran on a node that was cut off before the time in question',
      well({
        ...CUT_OFF,
        filter: { services: ['shop_web'] },
        former: [former('service-web', 'node2', 30n)],
        sinceAgo: 29n,
      }),
    ],
    [
      'another service ran on a node that was cut off',
      well({ ...CUT_OFF, filter: { services: ['shop_web'] }, former: [former('service-api', 'node2', 30n)] }),
    ],
    [
      'an engine does not answer',
      late({ reports: [report('node1'), report('node2', { upTo: at(60n), trouble: 'refused' })] }, [
        'node2',
        'engine',
        60n,
      ]),
    ],
    [
      'a spool is full',
      late(
        {
          reports: [report('node1'), report('node2', { upTo: at(60n), spool: { ...reportOf().spool, waits: 'full' } })],
        },
        ['node2', 'spool', 60n],
      ),
    ],
    [
      'an agent has not reported a time yet',
      late({ reports: [report('node1'), report('node2', { upTo: '' })] }, ['node2', 'lagging']),
    ],
    [
      'a drained node ran nothing and has no agent',
      well({ nodes: [...two, node('node3', { availability: 'drain' })] }),
    ],
    [
      'a drained node had tasks and no agent',
      late({ nodes: [node('node1'), node('node2', { availability: 'drain' })], reports: [report('node1')] }, [
        'node2',
        'no_agent',
      ]),
    ],
    [
      'a drained node was read to the end',
      well({
        nodes: [node('node1'), node('node2', { availability: 'drain' })],
        reports: [report('node1'), report('node2', { upTo: at(999n), leaving: true, unfinished: 0 })],
        gone: ['node2'],
      }),
    ],
    [
      'a drained node was read to the end, and has an observer',
      well({
        nodes: [node('node1'), node('node2', { availability: 'drain' })],
        reports: [report('node1'), report('node2', { upTo: at(999n), leaving: true, unfinished: 0 })],
      }),
    ],
    [
      'a drained node was not read to the end',
      late(
        {
          nodes: [node('node1'), node('node2', { availability: 'drain' })],
          reports: [report('node1'), report('node2', { upTo: at(999n), leaving: true, unfinished: 1 })],
          gone: ['node2'],
        },
        ['node2', 'not_connected', 999n],
      ),
    ],
    [
      'a drained node was read up to the time',
      well({
        nodes: [node('node1'), node('node2', { availability: 'drain' })],
        reports: [report('node1'), report('node2', { upTo: at(99n), leaving: true })],
        gone: ['node2'],
        untilAgo: 100n,
      }),
    ],
    [
      'a removed node was read to the end',
      well({
        nodes: [node('node1')],
        reports: [report('node1'), report('node2', { upTo: at(999n), leaving: true, unfinished: 0 })],
        gone: ['node2'],
      }),
    ],
    [
      'a removed node was not',
      late(
        { nodes: [node('node1')], reports: [report('node1'), report('node2', { upTo: at(999n) })], gone: ['node2'] },
        ['node2', 'gone', 999n],
      ),
    ],
    [
      'a removed node left before the range',
      well({
        nodes: [node('node1')],
        reports: [report('node1'), report('node2', { upTo: at(999n) })],
        gone: ['node2'],
        sinceAgo: 998n,
      }),
    ],
    [
      'a removed node fell silent before the range and left within it',
      late(
        {
          nodes: [node('node1')],
          reports: [report('node1'), report('node2', { upTo: at(999n), time: at(998n) })],
          ...{ gone: ['node2'], left: { node2: 500n }, sinceAgo: 501n },
        },
        ['node2', 'gone', 999n],
      ),
    ],
    [
      'a removed node fell silent and left before the range',
      well({
        nodes: [node('node1')],
        reports: [report('node1'), report('node2', { upTo: at(999n), time: at(998n) })],
        ...{ gone: ['node2'], left: { node2: 500n }, sinceAgo: 499n },
      }),
    ],
    [
      'a removed node ran the service, of which nothing has come from it',
      late(
        {
          nodes: [node('node1')],
          reports: [report('node1'), report('node2', { upTo: at(999n) })],
          ...{ gone: ['node2'], left: { node2: 500n }, ran: ['service-web'], target: 'web' },
        },
        ['node2', 'gone', 999n],
      ),
    ],
    [
      'a removed node did not run the service',
      well({
        nodes: [node('node1')],
        reports: [report('node1'), report('node2', { upTo: at(999n) })],
        ...{ gone: ['node2'], left: { node2: 500n }, ran: ['service-api'], target: 'web' },
      }),
    ],
    [
      'a removed node never had an agent',
      late({ nodes: [node('node1')], reports: [report('node1')], left: { node2: 500n } }, ['node2', 'no_agent']),
    ],
    [
      'a removed node without an agent left before the range',
      well({ nodes: [node('node1')], reports: [report('node1')], left: { node2: 500n }, sinceAgo: 499n }),
    ],
    ['a host outside a Swarm', well({ inventories: [], reports: [report('AB:CD', { cluster: '' })] })],
    [
      'a host outside a Swarm lags',
      late({ inventories: [], reports: [report('AB:CD', { cluster: '', upTo: at(60n) })] }, ['AB:CD', 'lagging', 60n]),
    ],
    [
      'a container is behind',
      late(
        {
          reports: [
            report('node1', { behind: containersOf([{ containerId: 'c', service: 'shop_web', detail: at(70n) }]) }),
            report('node2'),
          ],
        },
        ['node1', 'lagging', 70n],
      ),
    ],
    [
      'a container is behind, but not the time',
      well({
        reports: [
          report('node1', { behind: containersOf([{ containerId: 'c', service: 'shop_web', detail: at(70n) }]) }),
          report('node2'),
        ],
        untilAgo: 80n,
      }),
    ],
    [
      'more are behind than are named',
      late({ reports: [report('node1', { behind: containersOf([], 1) }), report('node2')] }, ['node1', 'lagging']),
    ],
    [
      'a container of another service is behind',
      well({
        reports: [
          report('node1', { behind: containersOf([{ containerId: 'c', service: 'shop_db', detail: at(70n) }]) }),
          report('node2'),
        ],
        target: 'web',
      }),
    ],
    [
      'a node without the service lags',
      well({ reports: [report('node1'), report('node2', { upTo: at(60n) })], target: 'web' }),
    ],
    [
      'a node with the service lags',
      late({ reports: [report('node1'), report('node2', { upTo: at(60n) })], target: 'shop_api' }, [
        'node2',
        'lagging',
        60n,
      ]),
    ],
    [
      'a node with a slot of the service may lag',
      late(
        {
          reports: [report('node1', { upTo: at(60n) }), report('node2')],
          target: 'shop_web.3',
          streams: [streamOf('web', { slot: 3, nodeId: 'node2' })],
        },
        ['node1', 'lagging', 60n],
      ),
    ],
    [
      'a node that had the service lags',
      late(
        {
          reports: [report('node1'), report('node2', { upTo: at(60n) })],
          filter: { services: ['shop_web'] },
          streams: [streamOf('web', { nodeId: 'node2' })],
        },
        ['node2', 'lagging', 60n],
      ),
    ],
    [
      'another node than the one asked for lags',
      well({ reports: [report('node1'), report('node2', { upTo: at(60n) })], filter: { nodes: ['name-node1'] } }),
    ],
    [
      'the node asked for lags',
      late({ reports: [report('node1'), report('node2', { upTo: at(60n) })], filter: { nodes: ['name-*2'] } }, [
        'node2',
        'lagging',
        60n,
      ]),
    ],
  ])('when %s', (_, [given, nodes]) => {
    expect(judged(given)).toEqual({ late: nodes, isMembershipKnown: true })
  })

  it.each<[string, Case, boolean]>([
    ['an observer is connected', {}, true],
    ['none is', { isObserverGone: true }, false],
    ['it told last 61 s ago', { observedAgo: 61n }, false],
    ['it told after the time that is asked about', { observedAgo: 300n, isObserverGone: true, untilAgo: 301n }, true],
    ['it told before that', { observedAgo: 300n, isObserverGone: true, untilAgo: 299n }, false],
    ['no manager has ever told', { inventories: [] }, false],
    [
      'a worker of an unknown Swarm reports',
      { inventories: [], reports: [report('q1tkqwdmgsbk4z52zdd1ou9k5', { cluster: '' })] },
      false,
    ],
    ['nothing is known at all', { inventories: [], reports: [] }, false],
    [
      'nobody tells of the Swarm, and a host outside it is asked for',
      { inventories: [], reports: [report('AB:CD', { cluster: '' })] },
      true,
    ],
  ])('knows who is in the Swarm when %s: %#', (_, given, isKnown) => {
    expect(judged(given).isMembershipKnown).toBe(isKnown)
  })

  it('names containers that cannot be read, or only maybe in full, as far as they are asked for', () => {
    const named = (service: string) => ({ containerId: `c-${service}`, service, detail: 'none' })
    const reports = [
      report('node1', {
        unreadable: containersOf([named('shop_web'), named('shop_db')]),
        lossy: containersOf([named('shop_web')]),
      }),
    ]
    const known: Known = {
      ...{
        now: NOW,
        inventories: [swarm([node('node1')])],
        reports: new Map(reports.map((one) => [nodeKey(one), one])),
        departed: new Map(),
        former: [],
      },
      ...{ observed: () => NOW, isConnected: () => true },
    }
    const wanted = wantedOf({ targets: [], filter: { ...ALL, services: ['shop_web'] }, matched: [] }, () => '')
    expect(judge(known, wanted)).toMatchObject({
      unreadable: [{ ...named('shop_web'), node: 'name-node1' }],
      lossy: [{ ...named('shop_web'), node: 'name-node1' }],
    })
  })
})
