import { compileRegex, type Regex } from '../../shared/query/regex.ts'
import { LEVELS, type Level, type LogStream, type StoredRecord } from '../../shared/record.ts'
import { Continuation } from './continuation.ts'

/** The lines of an event come within so many nanoseconds ... */
export const SPAN = 5_000_000_000n
/** ... and are so many at most, of so many characters in all. */
const MAX_LINES = 1_000
const MAX_CHARS = 1024 * 1024
/** When so many events wait for the one before them, that one ends. */
const MAX_WAITING = 20_000

/** The container's label, where its log driver keeps it: lines that this regex matches begin an event. */
const START_LABEL = 'swarmlogs.multiline'

/** An event that may still grow. */
interface Open {
  readonly key: string
  readonly lines: StoredRecord[]
  chars: number
  isClosed: boolean
}

/** Groups lines in total order into events: the lines of one output that belong together. Yields them in the order of their first lines. */
export async function* eventsOf(
  batches: AsyncIterable<readonly StoredRecord[]>,
): AsyncGenerator<readonly (readonly StoredRecord[])[]> {
  const grouping = new Grouping()
  for await (const batch of batches) {
    for (const record of batch) grouping.add(record)
    const events = grouping.take()
    if (events.length > 0) yield events
  }
  grouping.end()
  yield grouping.take()
}

/** An event as one record: the place and fields of its first line, all of the text, the most severe level. */
export function eventRecord(lines: readonly StoredRecord[]): StoredRecord {
  const [first] = lines
  if (first === undefined) throw new Error('BUG: an event without lines')
  if (lines.length === 1) return first
  const ranks: readonly Level[] = LEVELS
  const level = lines.reduce<Level>(
    (most, line) => (ranks.indexOf(line.level) > ranks.indexOf(most) ? line.level : most),
    '',
  )
  return { ...first, message: lines.map(({ message }) => message).join('\n'), level }
}

class Grouping {
  readonly #open = new Map<string, { readonly event: Open; readonly continuation: Continuation }>()
  #waiting: Open[] = []

  add(record: StoredRecord): void {
    this.#expire(record.time)
    const { containerId, nodeId, tag } = record.stream
    const key = `${nodeId}\0${containerId}\0${tag}\0${record.source}`
    const known = this.#open.get(key)
    const continuation = known?.continuation ?? new Continuation(startOf(record.stream))
    const continues = continuation.continues(record)
    if (known !== undefined && continues && hasRoom(known.event, record)) {
      known.event.lines.push(record)
      known.event.chars += record.message.length
      return
    }
    if (known !== undefined) known.event.isClosed = true
    const event = { key, lines: [record], chars: record.message.length, isClosed: false }
    this.#open.set(key, { event, continuation })
    this.#waiting.push(event)
  }

  /** The events that are complete, up to the first that is not. */
  take(): readonly (readonly StoredRecord[])[] {
    while (this.#waiting.length > MAX_WAITING && this.#waiting[0]?.isClosed === false) this.#close(this.#waiting[0])
    const end = this.#waiting.findIndex(({ isClosed }) => !isClosed)
    const events = this.#waiting.slice(0, end < 0 ? undefined : end)
    this.#waiting = end < 0 ? [] : this.#waiting.slice(end)
    return events.map(({ lines }) => lines)
  }

  /** No further lines come. */
  end(): void {
    for (const event of this.#waiting) event.isClosed = true
    this.#open.clear()
  }

  /** Those that began too long ago get nothing more. */
  #expire(now: bigint): void {
    for (const event of this.#waiting) {
      const [first] = event.lines
      if (first === undefined || now - first.time <= SPAN) return
      if (!event.isClosed) this.#close(event)
    }
  }

  #close(event: Open): void {
    event.isClosed = true
    if (this.#open.get(event.key)?.event === event) this.#open.delete(event.key)
  }
}

function hasRoom({ lines, chars }: Open, { message }: StoredRecord): boolean {
  return lines.length < MAX_LINES && chars + message.length <= MAX_CHARS
}

const starts = new WeakMap<LogStream, Regex | undefined>()

function startOf(stream: LogStream): Regex | undefined {
  if (!starts.has(stream)) starts.set(stream, readStart(stream.attributes[START_LABEL]))
  return starts.get(stream)
}

/** A regex that cannot be used is none: it is the container's mistake, not that of whoever asks. */
function readStart(source: string | undefined): Regex | undefined {
  if (source === undefined || source === '') return undefined
  try {
    return compileRegex(source, false)
  } catch {
    return undefined
  }
}
