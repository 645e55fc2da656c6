import { kills } from './matrix/kills.ts'
import { network } from './matrix/network.ts'
import type { Fault } from './rig/drive.ts'

/** Every fault that the driver knows, in the order in which it injects them. */
export const MATRIX: readonly Fault[] = [...kills, ...network]
