import { SwarmlogsError } from '../../shared/errors.ts'
import type { Source } from '../../shared/record.ts'
import type { PieceSink } from '../frames.ts'
import { type Framing, framerOf } from '../framing.ts'
import { type Line, Lines, type LineTime } from '../lines.ts'
import { TtyFrames } from '../tty.ts'
import type { Engine } from './engine.ts'

/** Which part of a container's log to read. */
export interface Reading {
  readonly id: string
  readonly framing: Framing
  /** The last so many frames; 'all'. */
  readonly tail: number | 'all'
  readonly follow: boolean
  /** The container is dead: a line that has no end at the end of the log will not get one. */
  readonly dead: boolean
}

/**
 * One response of `GET /containers/{id}/logs`, as batches of lines: one for each read, none when a read completed no line.
 * Bytes are pulled from the socket as batches are. Throws as Engine.stream does, and SWARMLOGS_PROTOCOL for an error within a stream that follows.
 */
export class LogReader {
  readonly #engine: Engine
  readonly #reading: Reading
  readonly #signal: AbortSignal
  readonly #lines: Lines
  #batch: Line[] = []
  #error = ''
  /** The error that the engine told amid a finite reading, which it ended: newer engines tell so that the log is damaged there. */
  broken: SwarmlogsError | undefined

  constructor(engine: Engine, reading: Reading, signal: AbortSignal) {
    this.#engine = engine
    this.#reading = reading
    this.#signal = signal
    this.#lines = new Lines((line) => this.#batch.push(line))
  }

  /** Frames read so far: what `tail` counts. */
  get frames(): number {
    return this.#lines.frames
  }

  /** Times of the lines that have begun and not ended. */
  get open(): Partial<Record<Source, LineTime>> {
    return this.#lines.open
  }

  /** All of the log was asked for. */
  get isAll(): boolean {
    return this.#reading.tail === 'all'
  }

  /** All of the log was asked for and is here, as `frames` show when the response has ended. */
  get isWhole(): boolean {
    return this.#reading.tail === 'all' || this.frames < this.#reading.tail
  }

  async *batches(): AsyncGenerator<Line[], void> {
    const { id, framing, tail, follow, dead } = this.#reading
    const format = framing === 'json' && { format: 'json' }
    const query = { stdout: 1, stderr: 1, timestamps: 1, tail, follow: follow ? 1 : 0, ...format }
    const response = await this.#engine.stream(`/containers/${id}/logs`, query, this.#signal)
    try {
      const framer = framerOf(framing, this.#sink)
      for await (const chunk of response) {
        framer.push(chunk)
        if (this.#batch.length > 0) yield this.#take()
        if (this.#error === '') continue
        this.broken = this.#inBandError()
        if (follow) throw this.broken
        return
      }
      if (framer instanceof TtyFrames) framer.end()
      if (dead) this.#lines.flush()
      if (this.#batch.length > 0) yield this.#take()
    } finally {
      response.destroy()
    }
  }

  readonly #sink: PieceSink = (type, buffer, start, end, first, last) => {
    if (type === 3) this.#error += buffer.toString('utf8', start, Math.min(end, start + 1024))
    else this.#lines.piece(type === 2 ? 'stderr' : 'stdout', buffer, start, end, first, last)
  }

  #take(): Line[] {
    const batch = this.#batch
    this.#batch = []
    return batch
  }

  #inBandError(): SwarmlogsError {
    const reason = this.#error.replace(/\s+$/, '')
    return new SwarmlogsError(
      'SWARMLOGS_PROTOCOL',
      `cannot read on in the log of container ${this.#reading.id}: ${reason}`,
    )
  }
}
