import type { SwarmFault } from './rig/swarm-drive.ts'
import { managers } from './swarm/managers.ts'
import { nodes } from './swarm/nodes.ts'
import { server } from './swarm/server.ts'
import { services } from './swarm/services.ts'

/** Every fault of a Swarm that the driver knows, in the order in which it injects them. */
export const SWARM: readonly SwarmFault[] = [...nodes, ...services, ...managers, ...server]
