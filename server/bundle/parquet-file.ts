import { chmod, rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { passingFolder } from '../../shared/passing.ts'
import { openParquetWriter, readParquetLines } from '../store/open.ts'
import { Gathered } from './gathered.ts'
import { takeLines } from './take-lines.ts'

const PART_LINES = 100_000

/** Writes what an archive form of a search tells to one Parquet file; there is none of that name before all is in it. */
export async function exportParquet({
  path,
  linesFrom,
  signal,
}: {
  readonly path: string
  readonly linesFrom: (cursor: string | null) => Promise<AsyncIterable<Buffer>>
  readonly signal: AbortSignal
}): Promise<void> {
  const { path: temp, remove } = await passingFolder(`${path}.tmp-`)
  const writer = await openParquetWriter(join(temp, 'tmp'))
  try {
    const gathered = new Gathered(writer, PART_LINES)
    const parts: string[] = []
    const flush = async (): Promise<void> => {
      const part = join(temp, `${parts.length}.parquet`)
      await gathered.write(part)
      parts.push(part)
    }
    await takeLines({ linesFrom, signal, gathered, flush, onProgress: () => {} })
    if (parts.length === 0) await flush()
    const whole = join(temp, 'whole.parquet')
    await writer.join(parts, whole)
    signal.throwIfAborted()
    // As whatever else is written: for nobody but its owner.
    await chmod(whole, 0o600)
    await rename(whole, path)
  } finally {
    await writer.close()
    await remove()
  }
}

/** Reads a Parquet file of lines, as lines that the ingest takes. Throws SWARMLOGS_USAGE. */
export async function* readParquet(path: string): AsyncGenerator<Record<string, unknown>[]> {
  const temp = await passingFolder(join(tmpdir(), 'swarmlogs-parquet-'))
  try {
    yield* readParquetLines(path, join(temp.path, 'tmp'))
  } finally {
    await temp.remove()
  }
}
