import { copyFile, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Shelf } from '../../../server/archive/shelf.ts'
import { SwarmlogsError } from '../../../shared/errors.ts'

/** A shelf in a folder, which tests look into; `before` is told of each call and may delay it or have it fail. */
export class FolderShelf implements Shelf {
  readonly name = 'folder://shelf'
  readonly root: string
  before: (call: 'list' | 'put' | 'get' | 'remove', name: string, signal?: AbortSignal) => Promise<void> | void =
    () => {}

  constructor(root: string) {
    this.root = root
  }

  async *list(signal?: AbortSignal): AsyncGenerator<{ readonly name: string; readonly bytes: number }> {
    await this.before('list', '', signal)
    yield* await this.all()
  }

  async put(name: string, path: string, signal?: AbortSignal): Promise<void> {
    await this.before('put', name, signal)
    await mkdir(dirname(join(this.root, name)), { recursive: true })
    await copyFile(path, join(this.root, name))
  }

  async get(name: string, path: string, signal?: AbortSignal): Promise<void> {
    await this.before('get', name, signal)
    await copyFile(join(this.root, name), path).catch((cause) => {
      throw new SwarmlogsError('SWARMLOGS_NOT_FOUND', `cannot fetch ${name}: it is not there`, { cause })
    })
  }

  async remove(names: readonly string[], signal?: AbortSignal): Promise<void> {
    for (const name of names) {
      await this.before('remove', name, signal)
      await rm(join(this.root, name), { force: true })
    }
  }

  close(): void {}

  /** What is there, in order of names. */
  async all(): Promise<{ name: string; bytes: number }[]> {
    const entries = await readdir(this.root, { recursive: true, withFileTypes: true }).catch(() => [])
    const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    const all = paths.map(async (path) => ({ name: path.slice(this.root.length + 1), bytes: (await stat(path)).size }))
    return (await Promise.all(all)).sort((a, b) => (a.name < b.name ? -1 : 1))
  }
}
