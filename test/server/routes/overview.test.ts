import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ServiceInfo } from '../../../shared/inventory.ts'
import { formatTime } from '../../../shared/time.ts'
import { inventoryOf } from '../inventory.ts'
import { serve, type TestServer } from '../serve.ts'
import { linesOf, NOON, SECOND, streamOf } from '../store/records.ts'

const WEB: ServiceInfo = {
  id: 'service-web',
  name: 'shop_web',
  stack: 'shop',
  mode: 'replicated',
  replicas: 3,
  image: 'nginx:2',
  update: 'completed',
}
const QUIET: ServiceInfo = { ...WEB, id: 'service-quiet', name: 'shop_quiet' }
const OLD: ServiceInfo = { ...WEB, id: 'service-old', name: 'shop_old', replicas: 7 }
const NODE = {
  id: 'node1',
  name: 'worker-1',
  role: 'manager' as const,
  availability: 'active' as const,
  state: 'ready',
  engine: '26.1.5',
}

describe('what there is', () => {
  let server: TestServer
  beforeEach(async () => {
    server = await serve({ now: () => NOON })
    await server.context.ingestor.records([
      ...linesOf(streamOf('web'), 3),
      ...linesOf(streamOf('web', { containerId: 'second', nodeId: 'node2', nodeName: 'worker-2' }), 2, {
        time: NOON + SECOND,
      }),
      ...linesOf(streamOf('old'), 1),
      ...linesOf(
        streamOf('plain', {
          cluster: '',
          nodeId: '',
          nodeName: 'host',
          serviceId: '',
          taskId: '',
          taskName: '',
          slot: 0,
        }),
        1,
      ),
    ])
  })
  afterEach(async () => {
    await server.close()
  })
  const get = async (path: string) => (await server.get(`/api/v1/${path}`)).json()

  it('lists services: in the Swarm, gone, and outside of it', async () => {
    await server.context.ingestor.inventory(inventoryOf({ services: [WEB, QUIET, OLD] }))
    await server.context.ingestor.inventory(inventoryOf({ services: [WEB, QUIET] }))
    const noon = formatTime(NOON)
    expect(await get('services')).toEqual({
      services: [
        { ...OLD, records: 1, first: noon, last: noon, current: false },
        {
          ...{
            name: 'shop_plain',
            id: '',
            stack: 'shop',
            mode: '',
            replicas: 0,
            image: 'nginx:1@sha256:0',
            update: '',
          },
          ...{ records: 1, first: noon, last: noon, current: null },
        },
        { ...QUIET, records: 0, current: true },
        { ...WEB, records: 5, first: noon, last: formatTime(NOON + SECOND + 1_000_000n), current: true },
      ],
    })
  })

  it('lists nodes with when their agent was last heard of', async () => {
    await server.context.ingestor.inventory(
      inventoryOf({ nodes: [NODE, { ...NODE, id: 'node3', name: 'worker-3', state: 'down' }] }),
    )
    expect(await get('nodes')).toEqual({
      nodes: [
        expect.objectContaining({ id: '', name: 'host', role: '', records: 1, agent_seen: formatTime(NOON) }),
        { ...NODE, records: 4, last: formatTime(NOON + 2_000_000n), agent_seen: formatTime(NOON) },
        expect.objectContaining({ id: 'node2', name: 'worker-2', role: '', state: '', records: 2 }),
        { ...NODE, id: 'node3', name: 'worker-3', state: 'down', records: 0 },
      ],
    })
  })

  it('lists streams, also chosen by their labels', async () => {
    expect((await get('streams')).streams).toHaveLength(4)
    expect(await get('streams?service=*_web&node=worker-2')).toEqual({
      streams: [
        {
          ...{ 'service.name': 'shop_web', 'host.name': 'worker-2', 'host.id': 'node2', 'container.id': 'second' },
          ...{ 'container.name': 'shop_web.1.task-web', 'container.image.name': 'nginx:1@sha256:0' },
          ...{
            'docker.swarm.cluster.id': 'cluster1',
            'docker.swarm.stack.name': 'shop',
            'docker.swarm.service.id': 'service-web',
          },
          ...{
            'docker.swarm.task.id': 'task-web',
            'docker.swarm.task.name': 'shop_web.1.task-web',
            'docker.swarm.task.slot': 1,
          },
          ...{ records: 2, first: formatTime(NOON + SECOND), last: formatTime(NOON + SECOND + 1_000_000n) },
        },
      ],
    })
    expect(await get('streams?target=x')).toMatchObject({ error: { code: 'bad_parameter', parameter: 'target' } })
  })

  it('tells versions, the store and the clock', async () => {
    const { id, epoch } = server.context.store.identity
    expect(await get('version')).toEqual({
      ...{ version: '1.2.3', api: 'v1', node: process.versions.node, store: { id, epoch } },
      time: formatTime(NOON),
    })
  })
})
