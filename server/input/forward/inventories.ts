import type { Inventory, NodeInfo, Placement, ServiceInfo } from '../../../shared/inventory.ts'
import { FieldsReader } from './fields.ts'
import { MsgpackReader } from './reader.ts'
import { Refusal } from './refusal.ts'

const ALLOWANCE = { keys: 2_000_000, values: 1_000_000, depth: 4 }

/** Decodes the body of an inventory frame, `[EventTime, Inventory]`. Throws a Refusal when it is none. */
export function inventoryOf(body: Buffer): Inventory {
  const reader = new MsgpackReader(body)
  reader.arrayLength()
  reader.skip()
  const fields = new FieldsReader('an inventory', reader.value({ ...ALLOWANCE }))
  return {
    cluster: fields.text('cluster'),
    nodeId: fields.text('nodeId'),
    time: fields.time('time') || odd('its time is'),
    nodes: fields.maps('nodes').map(nodeOf),
    services: fields.maps('services').map(serviceOf),
    tasks: tasksIn(fields, 'tasks'),
    ...(fields.has('ended') && { ended: tasksIn(fields, 'ended') }),
    placements: fields.maps('placements').map(placementOf),
  }
}

function nodeOf(fields: FieldsReader): NodeInfo {
  return {
    id: fields.text('id'),
    name: fields.text('name'),
    role: fields.oneOf('role', ['manager', 'worker']),
    availability: fields.oneOf('availability', ['active', 'pause', 'drain']),
    state: fields.text('state'),
    engine: fields.text('engine'),
  }
}

function placementOf(fields: FieldsReader): Placement {
  return { serviceId: fields.text('serviceId'), nodeId: fields.text('nodeId') }
}

function serviceOf(fields: FieldsReader): ServiceInfo {
  const multiline = fields.optionalText('multiline')
  const retention = fields.optionalText('retention')
  return {
    id: fields.text('id'),
    name: fields.text('name'),
    stack: fields.text('stack'),
    mode: fields.oneOf('mode', ['replicated', 'global', 'replicated-job', 'global-job']),
    replicas: fields.number('replicas'),
    image: fields.text('image'),
    update: fields.text('update'),
    ...(multiline !== undefined && { multiline }),
    ...(retention !== undefined && { retention }),
  }
}

function tasksIn(fields: FieldsReader, name: string): string[] {
  return fields.list(name).map((value) => (typeof value === 'string' ? value : odd('tasks are')))
}

function odd(what: string): never {
  throw new Refusal('entry', `cannot read an inventory: ${what} odd; check that agent and server fit together`)
}
