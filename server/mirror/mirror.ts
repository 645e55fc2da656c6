import { mkdir } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { SwarmlogsError } from '../../shared/errors.ts'
import { positionOf, type StoredRecord } from '../../shared/record.ts'
import type { Context } from '../context.ts'
import { slotWidths } from '../query/padding.ts'
import { lineFormat } from '../query/print.ts'
import { EVERYTHING } from '../query/query.ts'
import { smaller } from '../store/bigint.ts'
import { Heads } from '../store/heads.ts'
import { MirrorFiles } from './files.ts'
import { dayOf, folderOf } from './names.ts'
import { type FreeBytes, Room } from './room.ts'
import { type MirrorState, readState, writeState } from './state.ts'

/** How often it is looked for new lines, how often it is noted how far the files have come, and how often old ones are packed. */
const LOOK_MS = 1_000
const NOTE_MS = 5_000
const TIDY_MS = 60_000
const RETRY_MS = 10_000
/** So much is written before what is behind it is packed. */
const TIDY_BYTES = 256 * 2 ** 20
const MS_PER_DAY = 86_400_000

/** As `docker service logs -t` prints. */
const FLAGS = { timestamps: true, details: false, raw: false, resolve: true, taskids: true, trunc: true }

/** Where the mirror is, and how much it may be. */
export interface MirrorConfig {
  readonly dir: string
  readonly maxBytes: number
  readonly retentionMs: number
}

/** What the mirror needs of the server. */
export type MirrorContext = Pick<Context, 'store' | 'commits' | 'inventories' | 'log' | 'now'>

/** For tests. */
export interface MirrorOptions {
  readonly maxFileBytes?: number
  readonly freeBytes?: FreeBytes
  readonly retryMs?: number
}

/** Keeps the lines of all services as text files, one a service and day. Each line is appended once, also across restarts and crashes. */
export class Mirror {
  readonly #config: MirrorConfig
  readonly #context: MirrorContext
  readonly #files: MirrorFiles
  readonly #room: Room
  readonly #retryMs: number
  readonly #stop = new AbortController()
  #state: MirrorState
  #running: Promise<void> = Promise.resolve()
  #notedMs = 0
  #tidiedMs = Number.NEGATIVE_INFINITY
  /** Written since it was tidied. */
  #untidyBytes = 0

  private constructor(
    config: MirrorConfig,
    context: MirrorContext,
    files: MirrorFiles,
    state: MirrorState,
    { freeBytes, retryMs = RETRY_MS }: MirrorOptions,
  ) {
    this.#config = config
    this.#context = context
    this.#files = files
    this.#state = state
    this.#room = new Room(config.dir, context.log, freeBytes)
    this.#retryMs = retryMs
  }

  /** Opens the folder, and goes on where the files are. Throws SWARMLOGS_CONFIG. */
  static async open(config: MirrorConfig, context: MirrorContext, options: MirrorOptions = {}): Promise<Mirror> {
    const { dir } = config
    try {
      await mkdir(dir, { recursive: true, mode: 0o750 })
      const files = new MirrorFiles(dir, options.maxFileBytes)
      return new Mirror(config, context, files, await restore(dir, files, context.store.identity.id), options)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      const message = `cannot use the folder '${dir}' of --mirror: ${reason}; name an empty folder`
      throw new SwarmlogsError('SWARMLOGS_CONFIG', message, { cause })
    }
  }

  /** Begins to write what there is and what comes. */
  start(): void {
    this.#running = this.#run()
  }

  /** Writes what is committed until now, and notes it. Waits for commits of servers that are out of reach: what is done is never read again. */
  async catchUp(): Promise<void> {
    const { done, round } = this.#state
    const { lastReceived, doubtAfter = lastReceived } = this.#context.commits
    const upTo = round?.upTo ?? smaller(doubtAfter, lastReceived)
    if (upTo <= done || !(await this.#room.isLeft())) return
    if (!(await this.#write(done, upTo, round?.after))) return
    const { round: _, ...state } = this.#state
    this.#state = { ...state, done: upTo }
    if (performance.now() - this.#notedMs > NOTE_MS) await this.note()
    // The round was begun before a stop: there may be more by now.
    if (round !== undefined) await this.catchUp()
  }

  /** Makes what was written durable, and notes that it was. */
  async note(): Promise<void> {
    await this.#files.sync()
    const { parts, finished, folders } = this.#files
    await writeState(this.#config.dir, { ...this.#state, parts, finished, folders })
    this.#notedMs = performance.now()
  }

  /** Packs the files of days before `openDay`, and deletes what is too old or too much. */
  async tidy(nowMs: number = this.#nowMs(), quietMs?: number, openDay: string = day(nowMs)): Promise<void> {
    this.#files.finish(openDay, quietMs)
    await this.note()
    await this.#files.pack(this.#stop.signal)
    await this.#shrink(nowMs)
    this.#tidiedMs = performance.now()
    this.#untidyBytes = 0
  }

  /** Stops; what was written is noted. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    let isUnsure = false
    while (!signal.aborted) {
      try {
        if (isUnsure) await this.#recover()
        isUnsure = false
        await this.catchUp()
        if (performance.now() - this.#tidiedMs > TIDY_MS) await this.tidy()
        await delay(LOOK_MS, undefined, { signal }).catch(() => {})
      } catch (error) {
        // Nobody knows what is in the files: nothing may be written or noted before they are what was noted.
        isUnsure = true
        this.#context.log.error({ err: error }, 'the mirror cannot be written: trying again')
        await delay(this.#retryMs, undefined, { signal }).catch(() => {})
      }
    }
    if (isUnsure) return
    await this.note().catch((error: unknown) => this.#context.log.warn({ err: error }, 'the mirror was left unnoted'))
  }

  /** Goes back to what was noted, and makes room: first by what needs none, as the disk may be full. */
  async #recover(): Promise<void> {
    this.#state = await restore(this.#config.dir, this.#files, this.#state.store)
    await this.#shrink(this.#nowMs())
    await this.tidy()
  }

  async #shrink(nowMs: number): Promise<void> {
    const removed = await this.#files.shrink(this.#config.maxBytes, this.#oldestDay(nowMs))
    if (removed.length > 0) this.#context.log.info({ files: removed.length }, 'old files of the mirror were deleted')
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
      if (last === undefined) continue
      this.#state = { ...this.#state, round: { upTo: receivedUpTo, after: positionOf(last) } }
      if (performance.now() - this.#notedMs > NOTE_MS) await this.note()
      if (!(await this.#keepBounds(dayOf(last)))) return false
    }
    return !this.#stop.signal.aborted
  }

  /** Tidies on the way; false when the round must stop. A round goes from old lines to new ones: days before the one it is at are over. */
  async #keepBounds(roundDay: string): Promise<boolean> {
    const { signal } = this.#stop
    const limit = Math.min(TIDY_BYTES, this.#config.maxBytes / 4)
    if (this.#untidyBytes > limit || !(await this.#room.isLeft())) await this.tidy(this.#nowMs(), 0, roundDay)
    else if (performance.now() - this.#tidiedMs > TIDY_MS) await this.tidy()
    return !signal.aborted && (await this.#room.isLeft())
  }

  async #append(records: readonly StoredRecord[], heads: Heads): Promise<void> {
    const oldest = this.#oldestDay(this.#nowMs())
    const texts = new Map<string, { folder: string; day: string; text: string }>()
    for (const record of records) {
      const [folder, day] = [folderOf(record.stream), dayOf(record)]
      if (day < oldest) continue
      const key = `${folder}/${day}`
      const known = texts.get(key) ?? { folder, day, text: '' }
      known.text += heads.lineOf(record.stream, record.time, record.message)
      texts.set(key, known)
    }
    let mustNote = false
    for (const { folder, day } of texts.values()) if (await this.#files.begin(folder, day)) mustNote = true
    // After a crash a file that was not noted would be nobody's.
    if (mustNote) await this.note()
    for (const { folder, day, text } of texts.values()) this.#untidyBytes += await this.#files.append(folder, day, text)
  }

  #nowMs(): number {
    return Number(this.#context.now() / 1_000_000n)
  }

  #oldestDay(nowMs: number): string {
    return day(nowMs - this.#config.retentionMs)
  }
}

/** Makes the files what was noted of them, and answers that. A folder of which nothing is noted must be empty: it becomes the mirror's. */
async function restore(dir: string, files: MirrorFiles, store: string): Promise<MirrorState> {
  const known = await readState(dir)
  if (known === undefined && !(await files.isEmpty())) throw new Error('there are log files of others in it')
  const { parts, finished, folders } = known ?? { parts: new Map(), finished: [], folders: [] }
  // What another store had is in the files, and of this one nothing is.
  const state = known?.store === store ? known : { store, done: 0n, parts, finished, folders }
  await files.restore(state)
  if (known === undefined) await writeState(dir, state)
  return state
}

function day(ms: number): string {
  return new Date(Math.max(ms, -MS_PER_DAY)).toISOString().slice(0, 10)
}
