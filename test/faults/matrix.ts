import { agent } from './matrix/agent.ts'
import { client } from './matrix/client.ts'
import { clock } from './matrix/clock.ts'
import { disk } from './matrix/disk.ts'
import { docker } from './matrix/docker.ts'
import { kills } from './matrix/kills.ts'
import { network } from './matrix/network.ts'
import { server } from './matrix/server.ts'
import { trust } from './matrix/trust.ts'
import type { Fault } from './rig/drive.ts'

/** Every fault that the driver knows, in the order in which it injects them. */
export const MATRIX: readonly Fault[] = [
  ...kills,
  ...agent,
  ...network,
  ...trust,
  ...server,
  ...client,
  ...docker,
  ...disk,
  ...clock,
]
