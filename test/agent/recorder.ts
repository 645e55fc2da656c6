import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger, pino } from 'pino'
import type { Checkpoint } from '../../agent/line.ts'
import type { Unlisted } from '../../agent/orphans.ts'
import { type FollowOptions, follow } from '../../agent/pipeline.ts'
import { AgentStatus } from '../../agent/status.ts'
import { Engine } from '../../agent/tail/engine.ts'
import type { GapBounds } from '../../shared/gap.ts'
import type { LogStream, Source } from '../../shared/record.ts'

const LOOK_MS = 10

/** A line as it was handed on. */
export interface Recorded {
  readonly stream: LogStream
  readonly source: Source
  readonly seconds: number
  readonly nanos: number
  readonly ordinal: number
  readonly message: string
  readonly cutFrom: number
  readonly headMissing: boolean
}

/** A gap as it was handed on. */
export interface RecordedGap extends GapBounds {
  readonly stream: LogStream
}

/** Follows an engine as the agent does, and keeps what it is given: a spool in memory, with its checkpoints. */
export class Recorder {
  readonly lines: Recorded[] = []
  readonly gaps: RecordedGap[] = []
  readonly checkpoints: Map<string, Checkpoint>
  readonly logged: Record<string, unknown>[] = []
  readonly status = new AgentStatus()
  /** Resolves when the following has ended. */
  readonly done: Promise<void>
  readonly #stop = new AbortController()
  readonly #drain = new AbortController()
  #changed = Promise.withResolvers<void>()

  /** `before`: the recorder whose state this one goes on from, as after a restart. */
  constructor(host: string, options: Partial<FollowOptions> = {}, before?: Recorder) {
    this.checkpoints = new Map(before?.checkpoints)
    this.done = this.#run({
      engine: new Engine({ host }),
      checkpoints: { load: (id) => this.checkpoints.get(id), unlisted: (ids) => this.#unlisted(ids) },
      backfillNs: 10n ** 18n * 2n,
      signal: this.#stop.signal,
      drain: this.#drain.signal,
      log: this.#log(),
      status: this.status,
      ...options,
    })
  }

  /** Waits until the condition holds; it is looked at after each batch, and for what is not told by one, now and then. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await Promise.race([this.#changed.promise, sleep(LOOK_MS)])
  }

  /** Messages in the order they came. */
  get messages(): string[] {
    return this.lines.map(({ message }) => message)
  }

  drain(): void {
    this.#drain.abort()
  }

  /** Ends as a crash would: what was handed on is all that counts. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.done
  }

  #unlisted(listed: ReadonlySet<string>): Unlisted[] {
    const gone = [...this.checkpoints].filter(([id, { ended, history }]) => !listed.has(id) && (!ended || history))
    return gone.map(([, checkpoint]) => ({ checkpoint, isElsewhere: false }))
  }

  async #run(options: FollowOptions): Promise<void> {
    for await (const { stream, lines, gaps = [], checkpoint } of follow(options)) {
      for (const { message, ...line } of lines) {
        const { source, seconds, nanos, ordinal, cutFrom, headMissing } = line
        this.lines.push({ stream, source, seconds, nanos, ordinal, cutFrom, headMissing, message: message.toString() })
      }
      for (const gap of gaps) this.gaps.push({ ...gap, stream })
      this.checkpoints.set(stream.containerId, JSON.parse(JSON.stringify(checkpoint)))
      this.#change()
    }
    this.#change()
  }

  #change(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  #log(): Logger {
    const write = (text: string) => {
      this.logged.push(JSON.parse(text))
      this.#change()
    }
    return pino({ level: 'debug' }, { write })
  }
}
