import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { SwarmlogsError } from '../../shared/errors.ts'
import { Turns } from '../turns.ts'
import type { Shelf } from './shelf.ts'

/** So many files are fetched at once; so many more wait, then queries are refused. */
const FETCHES = 4
const WAITING = 1_024

/** A file of the cache. */
interface Kept {
  readonly bytes: number
  isThere: boolean
  /** On the shelf: it may go here. */
  isElsewhere: boolean
  /** How many read it at this moment. */
  pins: number
  fetch: Fetch | undefined
}

/** A file on its way: it ends when nobody waits for it any more. */
interface Fetch {
  readonly done: Promise<void>
  readonly stop: AbortController
  waiting: number
}

/** The local ones of the files of a shelf: fetched when they are needed; what was not needed for longest goes when they are too large together. */
export class FileCache {
  readonly #root: string
  readonly #shelf: Shelf
  readonly #maxBytes: number
  readonly #turns = new Turns(FETCHES, WAITING)
  /** What was needed last comes last. */
  readonly #files = new Map<string, Kept>()
  #bytes = 0

  /** @param maxBytes what is being read stays, even if that is more. */
  constructor(root: string, shelf: Shelf, maxBytes: number) {
    this.#root = root
    this.#shelf = shelf
    this.#maxBytes = maxBytes
  }

  /** Bytes of all that is there. */
  get bytes(): number {
    return this.#bytes
  }

  /** Takes over a file that is there; it stays at least until it is on the shelf, too. */
  note(name: string, bytes: number, isElsewhere: boolean): void {
    const file = this.#files.get(name)
    if (file?.isThere) file.isElsewhere = isElsewhere
    else {
      this.#files.set(name, { bytes, isThere: true, isElsewhere, pins: 0, fetch: undefined })
      this.#bytes += bytes
    }
    this.#shrink(0)
  }

  /** Resolves when the file is there; it stays until what that answers is called. Rejects when it cannot be fetched, or the signal aborts. */
  async take(name: string, bytes: number, signal?: AbortSignal): Promise<() => void> {
    const file = this.#files.get(name) ?? { bytes, isThere: false, isElsewhere: true, pins: 0, fetch: undefined }
    this.#files.delete(name)
    this.#files.set(name, file)
    file.pins++
    let isTaken = true
    const release = () => {
      if (!isTaken) return
      isTaken = false
      file.pins--
      this.#shrink(0)
    }
    try {
      while (!file.isThere) await this.#await(name, file, signal)
      return release
    } catch (error) {
      release()
      throw error
    }
  }

  /** Fetches a file anew that is no file of lines: it stays. Whether there is one. Rejects when that cannot be told now. */
  async fetchAnew(name: string, signal = new AbortController().signal): Promise<boolean> {
    try {
      await this.#turns.run(signal, () => this.#shelf.get(name, join(this.#root, name), signal))
      return true
    } catch (error) {
      if (error instanceof SwarmlogsError && error.code === 'SWARMLOGS_NOT_FOUND') return false
      throw error
    }
  }

  /** Deletes a file that is not what it should be, if there is another one on the shelf. */
  drop(name: string): void {
    const file = this.#files.get(name)
    if (!file?.isThere || !file.isElsewhere) return
    file.isThere = false
    this.#bytes -= file.bytes
    // At once: what is fetched anew must not be deleted.
    rmSync(join(this.#root, name), { force: true })
  }

  /** A file that is deleted with its folder. */
  forget(name: string): void {
    if (this.#files.get(name)?.isThere) this.#bytes -= this.#files.get(name)?.bytes ?? 0
    this.#files.delete(name)
  }

  async #await(name: string, file: Kept, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const fetch = file.fetch ?? this.#begin(name, file)
    fetch.waiting++
    try {
      await orAborted(fetch.done, signal)
    } catch (error) {
      // Others' haste to leave is no matter of ours: it is fetched again.
      if (!fetch.stop.signal.aborted || signal?.aborted) throw error
    } finally {
      if (--fetch.waiting === 0) fetch.stop.abort()
    }
  }

  #begin(name: string, file: Kept): Fetch {
    const stop = new AbortController()
    const work = async () => {
      this.#shrink(file.bytes)
      await this.#shelf.get(name, join(this.#root, name), stop.signal)
      file.isThere = true
      this.#bytes += file.bytes
    }
    const done = this.#turns.run(stop.signal, work).finally(() => {
      file.fetch = undefined
    })
    // It may be that nobody waits any more.
    done.catch(() => undefined)
    file.fetch = { done, stop, waiting: 0 }
    return file.fetch
  }

  /** Makes room for so many bytes. */
  #shrink(bytes: number): void {
    for (const [name, { pins, isThere, isElsewhere, fetch }] of this.#files) {
      if (this.#bytes + bytes <= this.#maxBytes) return
      if (pins > 0 || !isElsewhere || fetch !== undefined) continue
      if (isThere) this.drop(name)
      this.#files.delete(name)
    }
  }
}

async function orAborted(work: Promise<void>, signal?: AbortSignal): Promise<void> {
  if (signal === undefined) return work
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
