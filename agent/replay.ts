import type { Logger } from 'pino'
import { SwarmlogsError } from '../shared/errors.ts'
import { WIRE_FORMAT } from '../shared/forward/own.ts'
import type { Gap } from '../shared/gap.ts'
import type { LogRecord, LogStream } from '../shared/record.ts'
import { programVersion } from '../shared/version.ts'
import { batcher } from './batcher.ts'
import type { AgentConfig } from './config.ts'
import { HeldChunks } from './forwarder/held.ts'
import { Forwarder } from './forwarder.ts'
import type { TailBatch, TailLine } from './line.ts'
import { probe } from './probe.ts'
import { readSharedKeys } from './shared-keys.ts'

/** After a stop what is on its way has so long to be acked. */
const LAST_ACKS_MS = 5_000
const NS_PER_SECOND = 1_000_000_000n
/** Seconds of the forward protocol's times have 32 bits. */
const MAX_TIME = 2n ** 32n * NS_PER_SECOND

/** Lines to send, and gaps among them. */
export interface Sendable {
  readonly records: readonly LogRecord[]
  readonly gaps: readonly Gap[]
}

/** Where lines go. */
export interface SendOptions extends Pick<AgentConfig, 'server' | 'sharedKeys'> {
  readonly log: Logger
  readonly signal: AbortSignal
}

/**
 * Sends lines to a forward port as an agent does, and resolves with how many were acked: all, unless the signal came. A receiver that goes
 * away is waited for; one that cannot be reached at first, or that refuses, is an error.
 */
export async function sendLines(
  source: AsyncIterable<Sendable>,
  { server, sharedKeys, log, signal }: SendOptions,
): Promise<number> {
  await mustAnswer({ server, sharedKeys }, signal)
  const spool = new HeldChunks()
  const forwarder = new Forwarder({
    ...{ server, spool, log, sharedKeys: () => readSharedKeys(sharedKeys), onStore: () => {} },
    // Without a name it is no agent that answers would wait for.
    hello: () => ({ format: WIRE_FORMAT, version: programVersion(), nodeId: '', nodeName: '' }),
  })
  const over = new AbortController()
  const running = forwarder.run(over.signal)
  try {
    const chunks = batcher(batches(source), { isHungry: () => forwarder.isHungry })
    for await (const chunk of chunks) await spool.add(chunk, signal)
    await spool.drained(signal)
    if (signal.aborted) await spool.drained(AbortSignal.timeout(LAST_ACKS_MS))
    return spool.ackedRecords
  } finally {
    over.abort()
    await running
  }
}

/** Throws SWARMLOGS_SERVER_UNAVAILABLE when nobody there takes chunks. */
async function mustAnswer(options: Pick<SendOptions, 'server' | 'sharedKeys'>, signal: AbortSignal): Promise<void> {
  const { host, port } = options.server
  for await (const { name, state, text, remedy } of probe(options, signal)) {
    if (state !== 'failed') continue
    const message = `cannot send lines to ${host}:${port} (${name}): ${text}${remedy === undefined ? '' : `; ${remedy}`}`
    throw new SwarmlogsError('SWARMLOGS_SERVER_UNAVAILABLE', message)
  }
}

async function* batches(source: AsyncIterable<Sendable>): AsyncGenerator<TailBatch> {
  for await (const { records, gaps } of source) {
    for (const { stream, ...gap } of gaps) yield { stream, lines: [], gaps: [gap], checkpoint: {}, bytes: 0 }
    for (const [stream, lines] of byStream(records)) {
      const bytes = lines.reduce((sum, { message }) => sum + message.length, 0)
      yield { stream, lines, checkpoint: {}, bytes }
    }
  }
}

function byStream(records: readonly LogRecord[]): ReadonlyMap<LogStream, readonly TailLine[]> {
  const streams = new Map<LogStream, TailLine[]>()
  for (const record of records) {
    if (record.time < 0n || record.time >= MAX_TIME) continue
    const lines = streams.get(record.stream)
    if (lines === undefined) streams.set(record.stream, [lineOf(record)])
    else lines.push(lineOf(record))
  }
  return streams
}

function lineOf({ source, time, ordinal, message, cutFrom, headMissing }: LogRecord): TailLine {
  const seconds = Number(time / NS_PER_SECOND)
  const nanos = Number(time % NS_PER_SECOND)
  return { source, seconds, nanos, ordinal, message: Buffer.from(message), cutFrom, headMissing }
}
