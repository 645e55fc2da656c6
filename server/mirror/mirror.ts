import { mkdir } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { SwarmlogsError } from '../../shared/errors.ts'
import { positionOf, type StoredRecord } from '../../shared/record.ts'
import type { Context } from '../context.ts'
import { slotWidths } from '../query/padding.ts'
import { lineFormat } from '../query/print.ts'
import { Heads } from '../store/heads.ts'
import { MirrorFiles } from './files.ts'
import { dayOf, folderOf } from './names.ts'
import { type MirrorState, readState, writeState } from './state.ts'

/** How often it is looked for new lines, how often it is noted how far the files have come, and how often old ones are packed. */
const LOOK_MS = 1_000
const NOTE_MS = 5_000
const TIDY_MS = 60_000
const RETRY_MS = 10_000
const MS_PER_DAY = 86_400_000

/** As `docker service logs -t` prints. */
const FLAGS = { timestamps: true, details: false, raw: false, resolve: true, taskids: true, trunc: true }
const EVERYTHING = { services: [], stacks: [], tasks: [], nodes: [], containers: [], sources: [], grep: '' }

/** Where the mirror is, and how much it may be. */
export interface MirrorConfig {
  readonly dir: string
  readonly maxBytes: number
  readonly retentionMs: number
}

/** What the mirror needs of the server. */
export type MirrorContext = Pick<Context, 'store' | 'commits' | 'inventories' | 'log' | 'now'>

/** Keeps the lines of all services as text files, one a service and day. Each line is appended once, also across restarts and crashes. */
export class Mirror {
  readonly #config: MirrorConfig
  readonly #context: MirrorContext
  readonly #files: MirrorFiles
  readonly #stop = new AbortController()
  #state: MirrorState
  #running: Promise<void> = Promise.resolve()
  #notedMs = 0
  #tidiedMs = Number.NEGATIVE_INFINITY

  private constructor(config: MirrorConfig, context: MirrorContext, files: MirrorFiles, state: MirrorState) {
    this.#config = config
    this.#context = context
    this.#files = files
    this.#state = state
  }

  /** Opens the folder, and goes on where the files are. Throws SWARMLOGS_CONFIG. */
  static async open(config: MirrorConfig, context: MirrorContext, maxFileBytes?: number): Promise<Mirror> {
    const { dir } = config
    try {
      await mkdir(dir, { recursive: true, mode: 0o750 })
      const files = new MirrorFiles(dir, maxFileBytes)
      const { id } = context.store.identity
      const known = await readState(dir)
      const { parts, finished } = known ?? { parts: new Map(), finished: [] }
      // What another store had is in the files, and of this one nothing is.
      const state = known?.store === id ? known : { store: id, done: 0n, parts, finished }
      await files.restore(state)
      return new Mirror(config, context, files, state)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      const message = `cannot use the folder '${dir}' of --mirror: ${reason}; give a folder of its own`
      throw new SwarmlogsError('SWARMLOGS_CONFIG', message, { cause })
    }
  }

  /** Begins to write what there is and what comes. */
  start(): void {
    this.#running = this.#run()
  }

  /** Writes what is committed until now, and notes it. */
  async catchUp(): Promise<void> {
    const { done, round } = this.#state
    const upTo = round?.upTo ?? this.#context.commits.lastReceived
    if (upTo <= done) return
    if (!(await this.#write(done, upTo, round?.after))) return
    const { round: _, ...state } = this.#state
    this.#state = { ...state, done: upTo }
    if (performance.now() - this.#notedMs > NOTE_MS) await this.note()
  }

  /** Makes what was written durable, and notes that it was. */
  async note(): Promise<void> {
    await this.#files.sync()
    await writeState(this.#config.dir, { ...this.#state, parts: this.#files.parts, finished: this.#files.finished })
    this.#notedMs = performance.now()
  }

  /** Packs the files of past days, and deletes what is too old or too much. */
  async tidy(nowMs: number = Date.now(), quietMs?: number): Promise<void> {
    this.#files.finish(day(nowMs), quietMs)
    await this.note()
    await this.#files.pack()
    const { maxBytes, retentionMs } = this.#config
    const removed = await this.#files.shrink(maxBytes, day(nowMs - retentionMs))
    if (removed.length > 0) this.#context.log.info({ files: removed.length }, 'old files of the mirror were deleted')
  }

  /** Stops; what was written is noted. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await this.catchUp()
        if (performance.now() - this.#tidiedMs > TIDY_MS) {
          await this.tidy()
          this.#tidiedMs = performance.now()
        }
        await delay(LOOK_MS, undefined, { signal }).catch(() => {})
      } catch (error) {
        this.#context.log.error({ err: error }, 'the mirror cannot be written: trying again')
        await delay(RETRY_MS, undefined, { signal }).catch(() => {})
        await this.#goBack().catch(() => {})
      }
    }
    await this.note().catch((error: unknown) => this.#context.log.warn({ err: error }, 'the mirror was left unnoted'))
  }

  /** After an error nobody knows what is in the files: back to what was noted. */
  async #goBack(): Promise<void> {
    const noted = await readState(this.#config.dir)
    const { store } = this.#state
    this.#state = noted?.store === store ? noted : { store, done: 0n, parts: new Map(), finished: [] }
    await this.#files.restore(this.#state)
  }

  /** Writes the lines of a round that come behind a place; false when it was stopped. */
  async #write(
    receivedAfter: bigint,
    receivedUpTo: bigint,
    after: NonNullable<MirrorState['round']>['after'],
  ): Promise<boolean> {
    const { store, inventories } = this.#context
    const streams = (await store.streams()).map(({ stream }) => stream)
    const heads = new Heads(lineFormat(FLAGS, slotWidths(inventories, streams)))
    const query = { filter: EVERYTHING, order: 'asc' as const, receivedAfter, receivedUpTo, ...(after && { after }) }
    for await (const records of store.search(query, this.#stop.signal)) {
      await this.#append(records, heads)
      const last = records.at(-1)
      if (last !== undefined) this.#state = { ...this.#state, round: { upTo: receivedUpTo, after: positionOf(last) } }
      if (performance.now() - this.#notedMs > NOTE_MS) await this.note()
      if (this.#stop.signal.aborted) return false
    }
    return !this.#stop.signal.aborted
  }

  async #append(records: readonly StoredRecord[], heads: Heads): Promise<void> {
    const texts = new Map<string, { folder: string; day: string; text: string }>()
    for (const record of records) {
      const [folder, day] = [folderOf(record.stream), dayOf(record)]
      const key = `${folder}/${day}`
      const known = texts.get(key) ?? { folder, day, text: '' }
      known.text += heads.lineOf(record.stream, record.time, record.message)
      texts.set(key, known)
    }
    for (const { folder, day, text } of texts.values()) await this.#files.append(folder, day, text)
  }
}

function day(ms: number): string {
  return new Date(Math.max(ms, -MS_PER_DAY)).toISOString().slice(0, 10)
}
