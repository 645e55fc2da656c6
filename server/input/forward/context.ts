import type { Logger } from 'pino'
import type { Ingest } from '../../ingest.ts'
import type { Lineage, StoreIdentity } from '../../store/store.ts'
import type { Budget } from './budget.ts'
import type { Complaints } from './complaints.ts'
import type { ForwardMetrics } from './metrics.ts'
import type { PartialsHeld } from './partials.ts'

/** What all connections of the listener share. */
export interface ForwardContext {
  readonly sharedKeys: () => readonly string[]
  readonly ingest: Ingest
  readonly identity: () => StoreIdentity
  readonly lineage: () => Lineage | undefined
  readonly noteOpening: () => Promise<void> | undefined
  readonly retentionMs: number | undefined
  readonly version: string
  readonly log: Logger
  readonly metrics: ForwardMetrics
  readonly complaints: Complaints
  readonly budget: Budget
  readonly partialsHeld: PartialsHeld
  /** Aborts when the listener's grace is over: what is not stored by then is given up. */
  readonly signal: AbortSignal
}
