import type { Gap } from '../shared/gap.ts'
import type { Inventory } from '../shared/inventory.ts'
import type { Level, LogRecord } from '../shared/record.ts'
import type { AgentReport } from '../shared/report.ts'

/** A record on its way in: where it has neither, level and fields are taken from its line at the door, in place. */
export interface IncomingRecord extends LogRecord {
  level: Level
  fields: string
}

/** The one door for all inputs. Resolves when the records are durable; rejects when they are not, and the input must then not ack. */
export interface Ingest {
  /** Resolves with how many were left out, as they are older than lines are kept. */
  records(records: readonly IncomingRecord[], gaps?: readonly Gap[]): Promise<number>
  inventory(inventory: Inventory): Promise<void>
  /** What a report shows to be lost: must be stored before it is taken. */
  lost(report: AgentReport): readonly Gap[]
  /** Must be called only when all that the report speaks of is stored. */
  report(report: AgentReport): void
  /** An agent has come; what it returns must be called once when it has gone. */
  agent(nodeId: string, nodeName: string): () => void
}
