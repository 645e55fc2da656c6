import type { Reason } from './refusal.ts'

/** What the listener counts. */
export interface ForwardMetrics {
  /** Must add the change to the number of open connections. */
  connections(change: 1 | -1): void
  /** Must count one whole frame. */
  frame(): void
  /** Must count records that the store has durably. */
  records(count: number): void
  /** Must count what was not taken: connections, frames or records, by reason. */
  rejected(reason: Reason, count: number): void
}

/** Counts nothing. */
export const NO_METRICS: ForwardMetrics = { connections() {}, frame() {}, records() {}, rejected() {} }
