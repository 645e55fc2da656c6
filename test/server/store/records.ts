import { expect } from 'vitest'
import type { Filter, Query } from '../../../server/query/query.ts'
import type { Store } from '../../../server/store/store.ts'
import type { Gap } from '../../../shared/gap.ts'
import {
  comparePositions,
  type LogRecord,
  type LogStream,
  positionOf,
  type StoredRecord,
} from '../../../shared/record.ts'

/** A store under test; `reopen` closes it and opens the same data again. */
export interface StoreUnderTest {
  store: Store
  reopen(): Promise<void>
  destroy(): Promise<void>
}

/** Nanoseconds in a second. */
export const SECOND = 1_000_000_000n
export const DAY = 86_400n * SECOND

/** Noon of yesterday: recent, past, and not near a midnight. */
export const NOON = (BigInt(Date.now()) / 86_400_000n - 1n) * DAY + 43_200n * SECOND

export const ALL: Filter = { services: [], stacks: [], tasks: [], nodes: [], containers: [], sources: [], grep: '' }

/** A stream of service `shop_NAME`; the other labels follow from the name. */
export function streamOf(name: string, labels: Partial<LogStream> = {}): LogStream {
  return {
    cluster: 'cluster1',
    nodeId: 'node1',
    nodeName: 'worker-1',
    stack: 'shop',
    service: `shop_${name}`,
    serviceId: `service-${name}`,
    taskId: `task-${name}`,
    taskName: `shop_${name}.1.task-${name}`,
    slot: 1,
    containerId: `container-${name}`,
    containerName: `shop_${name}.1.task-${name}`,
    image: 'nginx:1@sha256:0',
    attributes: {},
    tag: '',
    ...labels,
  }
}

/** A record of the stream, by default one line at noon of yesterday. */
export function recordOf(stream: LogStream, fields: Partial<LogRecord> = {}): LogRecord {
  return {
    stream,
    source: 'stdout',
    time: NOON,
    ordinal: 0,
    message: 'hello',
    cutFrom: 0,
    headMissing: false,
    chunk: '',
    level: '',
    fields: '',
    ...fields,
  }
}

/** A gap of a second from noon of yesterday on, but for what is given. */
export function gapOf(stream: LogStream, bounds: Partial<Gap> = {}): Gap {
  return { stream, from: NOON, to: NOON + SECOND, reason: 'rotated', atLeast: 1, ...bounds }
}

/** So many lines of the stream, a millisecond apart: `line 0`, `line 1`, ... */
export function linesOf(stream: LogStream, count: number, fields: Partial<LogRecord> = {}): LogRecord[] {
  const start = fields.time ?? NOON
  return Array.from({ length: count }, (_, index) =>
    recordOf(stream, { message: `line ${index}`, ...fields, time: start + BigInt(index) * 1_000_000n }),
  )
}

/** Two containers on two nodes; the second stands first in the order. */
export const WEB = streamOf('web')
export const API = streamOf('api', { nodeId: 'node0', nodeName: 'worker-0' })

/** A query for everything in ascending order, but for what is given. */
export function queryOf(query: Partial<Query> = {}, filter: Partial<Filter> = {}): Query {
  return { order: 'asc', ...query, filter: { ...ALL, ...filter } }
}

/** All records of an answer. */
export async function collect(store: Store, query: Query = queryOf(), signal?: AbortSignal): Promise<StoredRecord[]> {
  const records: StoredRecord[] = []
  for await (const batch of store.search(query, signal)) records.push(...batch)
  return records
}

/** The messages of an answer. */
export async function messages(store: Store, query: Query = queryOf()): Promise<string[]> {
  return (await collect(store, query)).map((record) => record.message)
}

/** Fails unless each record stands behind the one before it. */
export function expectStrictOrder(records: readonly StoredRecord[]): void {
  const wrong = records.findIndex((record, index) => {
    const before = records[index - 1]
    return before !== undefined && comparePositions(positionOf(before), positionOf(record)) >= 0
  })
  expect(wrong).toBe(-1)
}
