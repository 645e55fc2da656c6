import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { openShelf } from '../../../server/archive/open-shelf.ts'
import type { Shelf } from '../../../server/archive/shelf.ts'
import type { ArchiveS3Config } from '../../../server/config/archive-s3.ts'
import { type S3, startS3 } from '../../lab/s3.ts'
import type { S3Kind } from '../../lab/s3-servers.ts'
import { openWire, type Wire } from './wire.ts'

export const MIB = 2 ** 20

/** What a test of the shelf has: a server for all of them, and for each a way to it, a prefix, a folder and a shelf. */
export interface ShelfLab {
  s3: S3
  wire: Wire
  shelf: Shelf
  readonly dir: string
  readonly prefix: string
  /** Of a shelf that goes by the wire. */
  config(): ArchiveS3Config
  /** A small file; answers its path. */
  file(name: string, content: string): string
  /** A file of so many MiB that is like no other; answers its path. */
  large(mib: number): string
  listed(): Promise<{ name: string; bytes: number }[]>
}

/** Has a server running while the tests of a file, or of a `describe`, run. */
export function useShelf(kind: S3Kind): ShelfLab {
  const lab = new Lab()
  beforeAll(async () => {
    lab.s3 = await startS3(kind)
  })
  afterAll(() => lab.s3.stop())
  beforeEach(async () => {
    lab.dir = mkdtempSync(join(tmpdir(), 'swarmlogs-shelf-'))
    lab.prefix = `logs/${randomBytes(4).toString('hex')}`
    lab.wire = await openWire(lab.s3.url)
    lab.shelf = await openShelf(lab.config())
  })
  afterEach(() => {
    lab.shelf.close()
    lab.wire.close()
    rmSync(lab.dir, { recursive: true })
  })
  return lab
}

class Lab implements ShelfLab {
  declare s3: S3
  declare wire: Wire
  declare shelf: Shelf
  dir = ''
  prefix = ''

  config(): ArchiveS3Config {
    return { ...this.s3.config(this.prefix), endpoint: this.wire.url }
  }

  file(name: string, content: string): string {
    const path = join(this.dir, name)
    writeFileSync(path, content)
    return path
  }

  large(mib: number): string {
    const path = join(this.dir, `large-${randomBytes(4).toString('hex')}`)
    const block = randomBytes(MIB)
    writeFileSync(path, '')
    for (let index = 0; index < mib; index++) {
      block.writeUInt32BE(index)
      writeFileSync(path, block, { flag: 'a' })
    }
    return path
  }

  async listed(): Promise<{ name: string; bytes: number }[]> {
    const all = []
    for await (const one of this.shelf.list()) all.push(one)
    return all
  }
}
