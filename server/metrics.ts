import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { ForwardMetrics } from './input/forward/metrics.ts'
import type { Live } from './live.ts'
import type { Appended, Store } from './store/store.ts'

const SECONDS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30]

/** The server's metrics, for /metrics; names of services are kept out of them. */
export class Metrics {
  readonly registry = new Registry()
  readonly #stored = this.#counter('ingest_records_total', 'Records stored, by protocol.', ['protocol'])
  readonly #duplicates = this.#counter('ingest_duplicates_total', 'Records that came again and were stored already.')
  readonly #rejected = this.#counter('ingest_rejected_total', 'Connections, frames or records not taken, by reason.', [
    'reason',
  ])
  readonly #frames = this.#counter('ingest_frames_total', 'Whole frames of the forward protocol.')
  readonly #dropped = this.#counter('tails_dropped_total', 'Live tails ended because their client was too slow.')
  readonly #write = this.#histogram('store_write_seconds', 'Time from an append to its durable commit.')
  readonly #queries = this.#histogram('query_duration_seconds', 'Time of answers to queries, by kind.', ['kind'])
  readonly #connections = this.#gauge('forward_connections', 'Open connections of the forward listener.')

  constructor(version: string) {
    collectDefaultMetrics({ register: this.registry })
    const info = new Gauge({
      name: 'swarmlogs_build_info',
      help: 'Always 1.',
      labelNames: ['version', 'node'],
      registers: [this.registry],
    })
    info.set({ version, node: process.versions.node }, 1)
  }

  /** Shows the state of the store and of the live tails. */
  watch(store: Store, live: Live): void {
    this.#gauge('store_records', 'Records in the store.', () => store.status().records)
    this.#gauge('store_bytes', 'Bytes of disk that the store takes.', () => store.status().bytes)
    this.#gauge('store_segments', 'Segments of the store.', () => store.status().segments)
    this.#gauge('store_damaged_segments', 'Segments set aside as damaged.', () => store.status().damaged.length)
    this.#gauge('store_writable', 'Whether the store can be written to.', () => (store.status().writable ? 1 : 0))
    this.#gauge('tails', 'Open live tails.', () => live.size)
  }

  /** Counts an append. */
  appended({ duplicates }: Appended, seconds: number): void {
    this.#duplicates.inc(duplicates)
    this.#write.observe(seconds)
  }

  /** Counts a tail that was dropped. */
  tailDropped(): void {
    this.#dropped.inc()
  }

  /** Counts an answer. */
  answered(kind: string, seconds: number): void {
    this.#queries.observe({ kind }, seconds)
  }

  /** Counts records that came by a protocol. */
  took(protocol: string, records: number): void {
    this.#stored.inc({ protocol }, records)
  }

  /** What the forward listener counts. */
  get forward(): ForwardMetrics {
    return {
      connections: (change) => this.#connections.inc(change),
      frame: () => this.#frames.inc(),
      records: (count) => this.took('forward', count),
      rejected: (reason, count) => this.#rejected.inc({ reason }, count),
    }
  }

  #counter(name: string, help: string, labelNames: string[] = []): Counter {
    return new Counter({ name: `swarmlogs_${name}`, help, labelNames, registers: [this.registry] })
  }

  #histogram(name: string, help: string, labelNames: string[] = []): Histogram {
    return new Histogram({ name: `swarmlogs_${name}`, help, labelNames, buckets: SECONDS, registers: [this.registry] })
  }

  #gauge(name: string, help: string, value?: () => number): Gauge {
    const collect = value && {
      collect(this: Gauge) {
        this.set(value())
      },
    }
    return new Gauge({ name: `swarmlogs_${name}`, help, registers: [this.registry], ...collect })
  }
}
