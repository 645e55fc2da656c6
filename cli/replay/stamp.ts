import { hash } from 'node:crypto'
import type { LogRecord, LogStream } from '../../shared/record.ts'

/** Time and ordinal of a container's last line. */
interface Last {
  readonly time: bigint
  readonly ordinal: number
}

/**
 * Makes lines into such as an agent sends: each has a container, and an ordinal of its own among those with its time. What an agent sent
 * keeps its ordinal as long as it keeps its time, so that a store that has it already takes it once.
 */
export class Stamper {
  readonly #isForeign: (record: LogRecord) => boolean
  readonly #streams = new WeakMap<LogStream, LogStream>()
  /** By container. */
  readonly #last = { stdout: new Map<string, Last>(), stderr: new Map<string, Last>() }

  /** @param isForeign whether another sender than an agent sent a line. */
  constructor(isForeign: (record: LogRecord) => boolean) {
    this.#isForeign = isForeign
  }

  /** @param time the time to give it; by default its own. */
  recordOf(record: LogRecord, time = record.time): LogRecord {
    const stream = this.streamOf(record.stream)
    const isSame = time === record.time && !this.#isForeign(record)
    return { ...record, stream, time, ordinal: isSame ? record.ordinal : this.#ordinal(stream, record, time) }
  }

  /** Receivers of ours take no lines of an agent that are of no container. */
  streamOf(stream: LogStream): LogStream {
    if (stream.containerId !== '') return stream
    const known = this.#streams.get(stream)
    if (known !== undefined) return known
    const made = { ...stream, containerId: hash('sha256', JSON.stringify(stream)) }
    this.#streams.set(stream, made)
    return made
  }

  #ordinal({ containerId }: LogStream, { source }: LogRecord, time: bigint): number {
    const last = this.#last[source].get(containerId)
    const ordinal = last?.time === time ? last.ordinal + 1 : 0
    this.#last[source].set(containerId, { time, ordinal })
    return ordinal
  }
}
