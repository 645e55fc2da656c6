import type { Logger } from 'pino'
import { WIRE_FORMAT } from '../shared/forward/own.ts'
import { programVersion } from '../shared/version.ts'
import type { AgentConfig } from './config.ts'
import { noLines } from './forwarder/outgoing.ts'
import { Forwarder } from './forwarder.ts'
import { identify } from './identify.ts'
import { inventories } from './inventory.ts'
import { readSharedKeys } from './shared-keys.ts'
import { Engine } from './tail/engine.ts'

export type ObserverConfig = Pick<AgentConfig, 'docker' | 'server' | 'sharedKeys'>

/** What the observer works with, for the line that says that it is ready. */
export interface ObserverAddresses {
  readonly docker: string
  /** HOST:PORT */
  readonly server: string
}

/**
 * Tells the server who is in a Swarm, from a manager's engine, until the signal aborts: for managers that are drained, where no agent runs.
 * It reads no logs and keeps nothing.
 */
export async function runObserver(
  config: ObserverConfig,
  log: Logger,
  signal: AbortSignal,
  onReady: (addresses: ObserverAddresses) => void,
): Promise<void> {
  const engine = new Engine(config.docker)
  const node = await identify(engine, signal, trouble(log))
  if (node === undefined) return
  const { host, port } = config.server
  onReady({ docker: engine.host, server: `${host}:${port}` })
  if (node.cluster === '') log.warn({ node: node.name }, 'this engine is no manager of a swarm: nothing to observe yet')
  const nodeName = `observer ${node.name}`
  const forwarder = new Forwarder({
    server: config.server,
    sharedKeys: () => readSharedKeys(config.sharedKeys),
    hello: () => ({ format: WIRE_FORMAT, version: programVersion(), nodeId: node.id, nodeName }),
    spool: noLines(),
    onStore: () => {},
    log,
  })
  const shipping = forwarder.run(signal)
  for await (const inventory of inventories({ engine, signal, log })) forwarder.setInventory(inventory)
  await shipping
}

/** Says each trouble once. */
function trouble(log: Logger): (error: unknown) => void {
  let said = ''
  return (error) => {
    if (String(error) !== said) log.warn({ err: error }, 'docker engine is not reachable, trying again')
    said = String(error)
  }
}
