import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import {
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBResult,
  type DuckDBValue,
} from '@duckdb/node-api'
import { Gate } from '../gate.ts'
import { unavailable } from '../unavailable.ts'
import { messageOf } from './failure.ts'

/** Connections for searches; each holds what it has sorted of one slice, spilled to disk where the memory limit says so. */
const MAX_READERS = 32
const MAX_SECONDS = 4
const MAX_WAITING_READERS = 256
/**
 * Searches that work at the same moment. DuckDB's calls each take a thread of libuv's pool (4, unless configured): one must be left
 * for the writer. Slices are short, so a quick search does not wait long for a slow one.
 */
const MAX_ACTIVE = 3

/** What the engine may use of the machine. */
export interface EngineOptions {
  readonly memoryBytes: number
  /** Emptied at start. */
  readonly tempDir: string
  readonly tempBytes: number
}

/** The one DuckDB instance: in memory itself, all files are attached to it. One connection writes, a pool of others reads. */
export class Engine {
  /** For segments; whoever uses it does so within the store's serial work. */
  readonly writer: DuckDBConnection
  /** For the catalog. */
  readonly meta: DuckDBConnection
  readonly #instance: DuckDBInstance
  readonly #pool = new Gate(MAX_READERS, MAX_WAITING_READERS)
  readonly #seconds = new Gate(MAX_SECONDS, MAX_READERS)
  readonly #active = new Gate(MAX_ACTIVE, MAX_READERS + MAX_SECONDS)
  readonly #leased = new Set<Reader>()
  #idle: DuckDBConnection[] = []
  #closed = false

  private constructor(instance: DuckDBInstance, writer: DuckDBConnection, meta: DuckDBConnection) {
    this.#instance = instance
    this.writer = writer
    this.meta = meta
  }

  static async open(options: EngineOptions): Promise<Engine> {
    await rm(options.tempDir, { recursive: true, force: true })
    const instance = await DuckDBInstance.create(':memory:', {
      memory_limit: `${Math.floor(options.memoryBytes / 1024)}KiB`,
      temp_directory: options.tempDir,
      max_temp_directory_size: `${Math.floor(options.tempBytes / 1024)}KiB`,
      threads: String(availableParallelism()),
      // The order of rows comes from ORDER BY alone, and a server must not load code from the network.
      preserve_insertion_order: 'false',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    })
    return new Engine(instance, await instance.connect(), await instance.connect())
  }

  /** Nothing may be asked of it any more. */
  get isClosed(): boolean {
    return this.#closed
  }

  /** Lends a connection; aborting the signal ends what runs on it. The caller must release it. */
  async lease(signal?: AbortSignal): Promise<Reader> {
    return this.#lend(this.#pool, signal)
  }

  /** Lends a connection to a search that has one already; from a pool of their own, so that searches cannot wait for each other. */
  async leaseSecond(signal?: AbortSignal): Promise<Reader> {
    return this.#lend(this.#seconds, signal)
  }

  async #lend(pool: Gate, signal: AbortSignal | undefined): Promise<Reader> {
    const leave = await pool.enter(signal)
    try {
      if (this.#closed) throw unavailable('search: the store is closed')
      const connection = this.#idle.pop() ?? (await this.#instance.connect())
      const reader = new Reader(connection, this.#active, signal, (isReusable) => {
        this.#leased.delete(reader)
        if (isReusable && !this.#closed) this.#idle.push(connection)
        else connection.closeSync()
        leave()
      })
      this.#leased.add(reader)
      return reader
    } catch (error) {
      leave()
      throw error
    }
  }

  /** Interrupts all readers, then closes. Nothing may be written any more. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.all([...this.#leased].map((reader) => reader.close()))
    for (const connection of this.#idle) connection.closeSync()
    this.#idle = []
    this.meta.closeSync()
    this.writer.closeSync()
    this.#instance.closeSync()
  }
}

/** A lent connection. One statement at a time. */
export class Reader {
  readonly #connection: DuckDBConnection
  readonly #active: Gate
  readonly #signal: AbortSignal | undefined
  readonly #onRelease: (isReusable: boolean) => void
  readonly #onAbort = (): void => {
    void this.stop()
  }
  #busy: Promise<unknown> = Promise.resolve()
  #state: 'open' | 'stopped' | 'released' = 'open'
  /** Not read to its end. */
  #result: DuckDBResult | undefined
  #ending: Promise<void> | undefined
  #released: Promise<void> | undefined

  constructor(
    connection: DuckDBConnection,
    active: Gate,
    signal: AbortSignal | undefined,
    onRelease: (isReusable: boolean) => void,
  ) {
    this.#connection = connection
    this.#active = active
    this.#signal = signal
    this.#onRelease = onRelease
    signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (signal?.aborted) void this.stop()
  }

  /** Whether it was stopped, by its signal or because the store closes. */
  get isStopped(): boolean {
    return this.#state !== 'open'
  }

  /** Yields the rows of a query chunk by chunk (2,048 rows), as the engine makes them. */
  async *chunks(sql: string, values: readonly DuckDBValue[] = []): AsyncGenerator<DuckDBDataChunk> {
    // One that was left before its end.
    if (this.#result !== undefined) await this.#end()
    const result = await this.#work(async () => {
      this.#result = await this.#connection.stream(sql, [...values])
      return this.#result
    })
    while (true) {
      const chunk = await this.#work(() => result.fetchChunk())
      if (chunk === null || chunk.rowCount === 0) break
      yield chunk
    }
    this.#result = undefined
  }

  /** Does what needs the connection itself (a temporary table), as one piece of work. */
  async use<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    return this.#work(() => work(this.#connection))
  }

  /** Interrupts what runs; later calls throw. Resolves when nothing runs any more. */
  async stop(): Promise<void> {
    if (this.#state === 'open') this.#state = 'stopped'
    await this.#end()
  }

  /** Takes it from whoever has it. */
  async close(): Promise<void> {
    await this.stop()
    this.release()
    await this.#released
  }

  /** Gives it back at once; what is left of a result is ended behind that. */
  release(): void {
    if (this.#state === 'released') return
    const isOpen = this.#state === 'open'
    this.#state = 'released'
    this.#signal?.removeEventListener('abort', this.#onAbort)
    const isDone = this.#busy.then(
      () => this.#result === undefined,
      () => false,
    )
    this.#released = isDone.then(async (isReusable) => {
      if (!isReusable) await this.#end()
      this.#onRelease(isOpen && isReusable)
    })
  }

  /**
   * Interrupts what runs, and ends a result that was left before its end: it would keep memory, and the files open, until it is collected, even
   * when all connections are closed.
   */
  async #end(): Promise<void> {
    this.#ending ??= this.#endNow().finally(() => {
      this.#ending = undefined
    })
    await this.#ending
  }

  async #endNow(): Promise<void> {
    // An interrupt that comes between two steps of a statement is lost: repeat it until the connection is quiet.
    const again = setInterval(() => this.#connection.interrupt(), 20)
    this.#connection.interrupt()
    try {
      // Whoever asked for the work has its error, too.
      await this.#busy.catch(messageOf)
      for (let rows = 1; rows > 0; this.#connection.interrupt())
        rows = (await this.#result?.fetchChunk())?.rowCount ?? 0
    } catch (error) {
      // It ends with an error when it is interrupted.
      void messageOf(error)
    } finally {
      clearInterval(again)
      this.#result = undefined
    }
  }

  async #work<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#active.run(async () => {
      if (this.isStopped) throw unavailable('go on: the search was stopped')
      return work()
    })
    this.#busy = done
    return done
  }
}
