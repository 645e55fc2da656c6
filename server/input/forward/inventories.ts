import type { Inventory, NodeInfo, Placement, ServiceInfo } from '../../../shared/inventory.ts'
import { MsgpackReader, type Value } from './reader.ts'
import { Refusal } from './refusal.ts'

const ALLOWANCE = { keys: 2_000_000, values: 1_000_000, depth: 4 }

type Fields = ReadonlyMap<string, Value>

/** Decodes the body of an inventory frame, `[EventTime, Inventory]`. Throws a Refusal when it is none. */
export function inventoryOf(body: Buffer): Inventory {
  const reader = new MsgpackReader(body)
  reader.arrayLength()
  reader.skip()
  const fields = mapOf(reader.value({ ...ALLOWANCE }))
  return {
    cluster: text(fields, 'cluster'),
    nodeId: text(fields, 'nodeId'),
    time: text(fields, 'time'),
    nodes: list(fields, 'nodes').map((value) => nodeOf(mapOf(value))),
    services: list(fields, 'services').map((value) => serviceOf(mapOf(value))),
    tasks: list(fields, 'tasks').map((value) => (typeof value === 'string' ? value : unfit('tasks'))),
    placements: list(fields, 'placements').map((value) => placementOf(mapOf(value))),
  }
}

function nodeOf(fields: Fields): NodeInfo {
  return {
    id: text(fields, 'id'),
    name: text(fields, 'name'),
    role: oneOf(fields, 'role', ['manager', 'worker']),
    availability: oneOf(fields, 'availability', ['active', 'pause', 'drain']),
    state: text(fields, 'state'),
    engine: text(fields, 'engine'),
  }
}

function placementOf(fields: Fields): Placement {
  return { serviceId: text(fields, 'serviceId'), nodeId: text(fields, 'nodeId') }
}

function serviceOf(fields: Fields): ServiceInfo {
  const replicas = fields.get('replicas')
  return {
    id: text(fields, 'id'),
    name: text(fields, 'name'),
    stack: text(fields, 'stack'),
    mode: oneOf(fields, 'mode', ['replicated', 'global', 'replicated-job', 'global-job']),
    replicas: typeof replicas === 'number' ? replicas : unfit('replicas'),
    image: text(fields, 'image'),
    update: text(fields, 'update'),
  }
}

function mapOf(value: Value | undefined): Fields {
  return value instanceof Map ? value : unfit('a map')
}

function list(fields: Fields, name: string): readonly Value[] {
  const value = fields.get(name)
  return Array.isArray(value) ? value : unfit(name)
}

function text(fields: Fields, name: string): string {
  const value = fields.get(name)
  return typeof value === 'string' ? value : unfit(name)
}

function oneOf<T extends string>(fields: Fields, name: string, names: readonly T[]): T {
  const value = fields.get(name)
  return names.find((known) => known === value) ?? unfit(name)
}

function unfit(what: string): never {
  throw new Refusal(
    'entry',
    `cannot read an inventory: ${what} is missing or odd; check that agent and server fit together`,
  )
}
