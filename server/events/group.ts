import type { LogStream, Source, StoredRecord } from '../../shared/record.ts'
import { Continuation } from './continuation.ts'
import { LOOKAHEAD, MAX_CHARS, MAX_LINES, MAX_OUTPUTS, SPAN } from './limits.ts'
import type { EventBound } from './record.ts'
import type { StartOf } from './start.ts'

/** The lines of one event; `continued` says at which bound the event before them ended, which they go on with. */
export interface EventLines {
  readonly lines: readonly StoredRecord[]
  readonly continued?: EventBound
}

/** An event that may still grow. */
interface Open extends EventLines {
  readonly lines: StoredRecord[]
  readonly output: Output
  /** Lines after this time are not of it. */
  readonly until: bigint
  chars: number
  isClosed: boolean
  /** When its last line came, by the caller's clock. */
  touchedMs: number
}

/** One source of one container. */
interface Output {
  readonly begun: () => Continuation
  continuation: Continuation
  event: Open | undefined
  /** Why its last event was ended before a line that begins another one. */
  endedBy: EventBound | undefined
}

/** Groups lines in total order into events: the lines of one output that belong together. Yields them in the order of their first lines. */
export async function* eventsOf(
  batches: AsyncIterable<readonly StoredRecord[]>,
  startOf: StartOf,
  signal: AbortSignal,
): AsyncGenerator<readonly EventLines[]> {
  const grouping = new Grouping(startOf)
  for await (const batch of batches) {
    for (const record of batch) grouping.add(record)
    const events = grouping.take()
    if (events.length > 0) yield events
  }
  // Of lines that were not read to their end nobody knows whether their event is whole.
  if (signal.aborted) return
  grouping.end()
  yield grouping.take()
}

/** Takes lines one by one, and gives events in the order in which their first lines came. */
export class Grouping {
  readonly #startOf: StartOf
  readonly #outputs = new Map<string, Output>()
  /** The same, found faster. */
  readonly #byStream = new WeakMap<LogStream, Partial<Record<Source, Output>>>()
  /** Lines come in total order: what began too long before one gets nothing more. */
  isOrdered = true
  #waiting: Open[] = []
  #waitingChars = 0
  /** So many of those that wait are closed for their age, or need not be looked at again. */
  #expired = 0

  constructor(startOf: StartOf) {
    this.#startOf = startOf
  }

  /** Takes the next line; says whether it began an event. */
  add(record: StoredRecord, nowMs = 0): boolean {
    if (this.isOrdered) this.#expire(record.time)
    const output = this.#outputOf(record)
    if (output.event !== undefined && record.time > output.event.until) close(output.event, 'time')
    const { event } = output
    const continues = output.continuation.continues(record)
    this.#waitingChars += record.message.length
    if (event !== undefined && continues) {
      const bound = boundOf(event, record)
      if (bound === undefined) {
        event.lines.push(record)
        event.chars += record.message.length
        event.touchedMs = nowMs
        return false
      }
      output.endedBy = bound
    }
    if (event !== undefined) event.isClosed = true
    this.#begin(output, record, { continues, nowMs })
    return true
  }

  /** The events that are complete, up to the first that is not. */
  take(): readonly EventLines[] {
    this.#makeRoom()
    const open = this.#waiting.findIndex(({ isClosed }) => !isClosed)
    const events = this.#waiting.splice(0, open < 0 ? this.#waiting.length : open)
    this.#expired = 0
    for (const { chars } of events) this.#waitingChars -= chars
    return events
  }

  /** Whether events wait for further lines. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** Ends the events that got no line since a time by the caller's clock. */
  quiet(sinceMs: number): void {
    for (const event of this.#waiting) if (!event.isClosed && event.touchedMs <= sinceMs) close(event, 'quiet')
  }

  /** No further lines come. */
  end(): void {
    for (const event of this.#waiting) event.isClosed = true
  }

  #outputOf({ stream, source }: StoredRecord): Output {
    const known = this.#byStream.get(stream)?.[source]
    if (known !== undefined) return known
    const output = this.#namedOutput({ stream, source })
    this.#byStream.set(stream, { ...this.#byStream.get(stream), [source]: output })
    return output
  }

  #namedOutput({ stream, source }: Pick<StoredRecord, 'stream' | 'source'>): Output {
    const key = outputsOf(stream) + source
    const known = this.#outputs.get(key)
    if (known !== undefined) return known
    const begun = () => new Continuation(this.#startOf(stream))
    const output = { begun, continuation: begun(), event: undefined, endedBy: undefined }
    if (this.#outputs.size >= MAX_OUTPUTS) this.#forget()
    this.#outputs.set(key, output)
    return output
  }

  /** Those without an event are as good as new. */
  #forget(): void {
    for (const [key, { event }] of this.#outputs) if (event === undefined) this.#outputs.delete(key)
  }

  #begin(output: Output, record: StoredRecord, { continues, nowMs }: { continues: boolean; nowMs: number }): void {
    const { endedBy } = output
    const continued = continues && endedBy !== undefined ? { continued: endedBy } : {}
    const chars = record.message.length
    const until = untilOf(record.time, continues)
    const event = { output, lines: [record], until, chars, isClosed: false, touchedMs: nowMs, ...continued }
    output.event = event
    output.endedBy = undefined
    this.#waiting.push(event)
  }

  /** Those that began too long ago get nothing more. */
  #expire(now: bigint): void {
    for (let event = this.#waiting[this.#expired]; event !== undefined; event = this.#waiting[++this.#expired]) {
      if (now <= event.until) return
      if (!event.isClosed) close(event, 'time')
    }
  }

  /** The first that waits ends when too much waits for it. */
  #makeRoom(): void {
    let { length } = this.#waiting
    let chars = this.#waitingChars
    for (const event of this.#waiting) {
      if (length <= LOOKAHEAD.events && chars <= LOOKAHEAD.chars) return
      if (!event.isClosed) close(event, 'lookahead')
      length--
      chars -= event.chars
    }
  }
}

/**
 * What begins with a line that goes on ends by the clock on the wall: where lines go on for ever, all readers then see the same events, wherever
 * they began to read.
 */
function untilOf(time: bigint, continues: boolean): bigint {
  if (!continues) return time + SPAN
  const passed = time % SPAN
  return time - passed + (passed < 0n ? 0n : SPAN) - 1n
}

function close(event: Open, bound: EventBound): void {
  event.isClosed = true
  const { output } = event
  output.event = undefined
  output.endedBy = bound
  // Where an event ends by the clock what follows is judged by itself, so that it does not matter where reading began.
  output.continuation = output.begun()
}

function boundOf({ lines, chars }: Open, { message }: StoredRecord): EventBound | undefined {
  if (lines.length >= MAX_LINES) return 'lines'
  return chars + message.length > MAX_CHARS ? 'size' : undefined
}

const keys = new WeakMap<LogStream, string>()

/** Names the outputs of a container, which it keeps when its other labels change. Lines of none, from foreign senders and imports, go by all that tells them apart. */
export function outputsOf(stream: LogStream): string {
  const known = keys.get(stream)
  if (known !== undefined) return known
  const { containerId, nodeId, tag, cluster, stack, serviceId, service, taskId, taskName, slot, containerName } = stream
  const more = containerId === '' ? [cluster, stack, serviceId, service, taskId, taskName, slot, containerName] : []
  const key = `${[nodeId, containerId, tag, ...more].join('\0')}\0`
  keys.set(stream, key)
  return key
}
