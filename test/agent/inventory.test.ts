import { pino } from 'pino'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { inventories, readInventory } from '../../agent/inventory.ts'
import { Engine } from '../../agent/tail/engine.ts'
import { FakeEngine } from './fake-engine.ts'

let fake: FakeEngine
let engine: Engine
let stop: AbortController
beforeEach(async () => {
  stop = new AbortController()
  fake = await FakeEngine.start()
  engine = new Engine({ host: fake.host })
  await engine.negotiate()
})
afterEach(async () => {
  stop.abort()
  await fake.close()
})

function service(id: string, mode: object, more: object = {}) {
  return { ID: id, Spec: { Name: `name-${id}`, Labels: null, Mode: mode, ...more } }
}

it('knows nothing on a worker', async () => {
  fake.info = { Swarm: { NodeID: 'n2', Cluster: null } }
  expect(await readInventory(engine, stop.signal)).toBeUndefined()
})

it('describes nodes, services and tasks, and tells changes', async () => {
  fake.info = { Swarm: { NodeID: 'n1', Cluster: { ID: 'swarm' } } }
  fake.swarm.nodes = [
    {
      ID: 'n1',
      Spec: { Role: 'manager', Availability: 'active' },
      Description: { Hostname: 'node1', Engine: { EngineVersion: '26.1.5' } },
      Status: { State: 'ready' },
    },
  ]
  const template = {
    Labels: { 'com.docker.stack.namespace': 'shop', 'swarmlogs.multiline': '^x', 'swarmlogs.retention': '7d' },
    TaskTemplate: { ContainerSpec: { Image: 'app:1' } },
  }
  fake.swarm.services = [
    service('d', { ReplicatedJob: { TotalCompletions: 7 } }),
    service('c', { GlobalJob: {} }),
    service('b', { Global: {} }),
    { ...service('a', { Replicated: { Replicas: 3 } }, template), UpdateStatus: { State: 'completed' } },
  ]
  fake.swarm.tasks = [
    { ID: 't2', ServiceID: 's1', NodeID: 'n1', Status: { State: 'failed' } },
    { ID: 't1', ServiceID: 's1', NodeID: 'n1', Status: { State: 'running' } },
    { ID: 't0' },
  ]
  const told = inventories({ engine, signal: stop.signal, log: pino({ level: 'silent' }) })
  const plain = { stack: '', image: '', update: '' }
  const first = (await told.next()).value
  expect(first).toEqual({
    cluster: 'swarm',
    nodeId: 'n1',
    time: expect.stringMatching(/^\d{19}$/),
    nodes: [{ id: 'n1', name: 'node1', role: 'manager', availability: 'active', state: 'ready', engine: '26.1.5' }],
    services: [
      {
        ...{
          id: 'a',
          name: 'name-a',
          stack: 'shop',
          mode: 'replicated',
          replicas: 3,
          image: 'app:1',
          update: 'completed',
        },
        multiline: '^x',
        retention: '7d',
      },
      { id: 'b', name: 'name-b', mode: 'global', replicas: 0, ...plain },
      { id: 'c', name: 'name-c', mode: 'global-job', replicas: 0, ...plain },
      { id: 'd', name: 'name-d', mode: 'replicated-job', replicas: 7, ...plain },
    ],
    tasks: ['t0', 't1', 't2'],
    ended: ['t2'],
    placements: [{ serviceId: 's1', nodeId: 'n1' }],
  })
  const next = told.next()
  while (!fake.requests.some((path) => path.includes('service'))) await new Promise((resolve) => setTimeout(resolve, 5))
  await new Promise((resolve) => setTimeout(resolve, 50))
  fake.swarm.tasks = [{ ID: 't3' }]
  fake.change('service')
  expect((await next).value).toMatchObject({ tasks: ['t3'] })
})
