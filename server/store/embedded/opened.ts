import { SwarmlogsError } from '../../../shared/errors.ts'
import { unavailable } from '../unavailable.ts'
import { Bringing } from './archive/bringing.ts'
import { Sealing } from './archive/sealing.ts'
import { messageOf } from './failure.ts'
import { Folder } from './folder.ts'
import { closeParts, type EmbeddedOptions, openParts, type Parts } from './parts.ts'
import { Snapshots } from './snapshot.ts'

/** Folders that this process has open: the lock on the catalog does not hold against oneself. */
const openFolders = new Set<string>()

/** A folder that is open: its parts, which are opened anew when the engine has failed, or when an archive is found that was not there. */
export class Opened {
  readonly folder: Folder
  readonly snapshots = new Snapshots()
  readonly #options: EmbeddedOptions
  #parts: Parts
  #bringing: Bringing
  #sealing: Sealing | undefined
  #recovery: Promise<void> | undefined
  #finding: Promise<void> | undefined
  #closing: Promise<void> | undefined

  private constructor(options: EmbeddedOptions, folder: Folder, parts: Parts) {
    this.#options = options
    this.folder = folder
    this.#parts = parts
    this.#bringing = new Bringing(parts)
    this.#use(parts)
  }

  /** See `EmbeddedStore.open`. */
  static async open(options: EmbeddedOptions): Promise<Opened> {
    const folder = await Folder.open(options.dir)
    if (openFolders.has(folder.root)) {
      const text = `cannot open the store in '${folder.root}': this process has it open; close it first`
      throw new SwarmlogsError('SWARMLOGS_LOCKED', text)
    }
    openFolders.add(folder.root)
    try {
      let opened: Opened | undefined
      const parts = await openParts(options, folder, () => void opened?.recover())
      opened = new Opened(options, folder, parts)
      parts.indexer.start()
      return opened
    } catch (error) {
      openFolders.delete(folder.root)
      if (error instanceof SwarmlogsError) throw error
      throw unavailable(`open the store in '${folder.root}': ${messageOf(error)}`, error)
    }
  }

  /** As they are: while they are opened anew, the former ones. */
  get parts(): Parts {
    return this.#parts
  }

  /** Brings what an archive must have local before lines are added to it. */
  get bringing(): Bringing {
    return this.#bringing
  }

  /** Archives the days that are due; absent: none are archived. */
  get sealing(): Sealing | undefined {
    return this.#sealing
  }

  /** Whether the parts are being opened anew. */
  get isRecovering(): boolean {
    return this.#recovery !== undefined
  }

  get isClosing(): boolean {
    return this.#closing !== undefined
  }

  /** The parts to work with; waits while the engine is started anew. */
  async ready(): Promise<Parts> {
    this.mustBeOpen()
    if (this.isRecovering || this.#parts.engine.isClosed) await this.recover()
    this.mustBeOpen()
    return this.#parts
  }

  mustBeOpen(): void {
    if (this.isClosing) throw unavailable('use the store: it is closed')
  }

  /** See `EmbeddedStore.recover`. */
  async recover(why = 'the database engine failed'): Promise<void> {
    if (this.isClosing) return
    this.#recovery ??= this.#recover(why).finally(() => {
      this.#recovery = undefined
    })
    await this.#recovery
  }

  /** Has the archive serve that could not be found when the store was opened. */
  async findArchive(): Promise<void> {
    const { archive, absent } = await this.ready()
    if (absent === '') return
    this.#finding ??= archive
      .restore()
      .then(
        () => this.recover('its archive was found'),
        (err: unknown) => this.#options.log.debug({ err }, 'the archive cannot be found now'),
      )
      .finally(() => {
        this.#finding = undefined
      })
    await this.#finding
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  async #recover(why: string): Promise<void> {
    const { log } = this.#options
    const before = this.#parts
    const { engine, serial, writer, indexer, thinner, onFatal } = before
    log.warn({ why }, 'the store is being opened anew')
    try {
      writer.stop(why)
      // Who reads it must not take what is written from now on for a part of it.
      await this.snapshots.close()
      await indexer.stop()
      await this.#sealing?.stop()
      await thinner.stop()
      await serial.run(() => engine.close())
      this.#use(await openParts(this.#options, this.folder, onFatal, before))
      this.#parts.indexer.start()
      log.info('the store is open again')
    } catch (error) {
      log.error({ err: error }, 'the database engine cannot be started anew, trying again on the next call')
    }
  }

  async #close(): Promise<void> {
    await this.#recovery
    await this.#sealing?.stop()
    await this.#bringing.stop()
    await this.snapshots.close()
    await closeParts(this.#parts, this.#options.log)
    this.#options.archive?.shelf?.close()
    openFolders.delete(this.folder.root)
  }

  #use(parts: Parts): void {
    const { archive: { afterMs } = {}, log } = this.#options
    const { absent } = parts
    if (absent !== '') log.error({ why: absent }, 'the archive cannot be found: its days are missing until it is')
    this.#parts = parts
    this.#bringing = new Bringing(parts)
    if (afterMs !== undefined) this.#sealing = new Sealing({ afterMs, log }, parts)
  }
}
