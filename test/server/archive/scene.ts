import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DestinationStream, type Logger, pino } from 'pino'
import { EmbeddedStore } from '../../../server/store/embedded/store.ts'
import type { LogRecord } from '../../../shared/record.ts'

const DAY_MS = 86_400_000

/** A store with a folder of its own, whose past days are archived when the test says so. */
export class ArchiveScene {
  readonly dir: string
  store: EmbeddedStore
  /** Messages of what was logged. */
  readonly logged: string[]

  private constructor(dir: string, store: EmbeddedStore, logged: string[]) {
    this.dir = dir
    this.store = store
    this.logged = logged
  }

  static async open(records: readonly LogRecord[]): Promise<ArchiveScene> {
    const dir = await mkdtemp(join(tmpdir(), 'swarmlogs-archive-'))
    const logged: string[] = []
    const scene = new ArchiveScene(dir, await openStore(dir, logged), logged)
    if (records.length > 0) await scene.store.append(records)
    await scene.seal()
    return scene
  }

  async seal(): Promise<void> {
    await this.store.runSealing(Date.now() + 2 * DAY_MS)
  }

  async reopen(): Promise<void> {
    await this.store.close()
    this.store = await openStore(this.dir, this.logged)
  }

  /** A file of the archive: 2026-11-19.1/words. */
  path(...names: string[]): string {
    return join(this.dir, 'store', 'archive', ...names)
  }

  /** Changes one byte in the middle of a file. */
  async flip(...names: string[]): Promise<void> {
    await flipByte(this.path(...names))
  }

  async close(): Promise<void> {
    await this.store.close()
    await rm(this.dir, { recursive: true, force: true })
  }
}

/** Changes one byte in the middle of a file; done twice it is as it was. */
export async function flipByte(path: string): Promise<void> {
  const content = await readFile(path)
  const at = Math.floor(content.length / 2)
  content[at] = (content[at] ?? 0) ^ 1
  await writeFile(path, content)
}

function openStore(dir: string, logged: string[]): Promise<EmbeddedStore> {
  const to: DestinationStream = { write: (line) => void logged.push(line) }
  const log: Logger = pino({ level: 'error' }, to)
  const options = { dir: join(dir, 'store'), retentionMs: 30 * DAY_MS, lockWaitMs: 0, archive: { afterMs: 0 }, log }
  return EmbeddedStore.open(options)
}
