import { SwarmlogsError } from '../../../../shared/errors.ts'
import { STREAM_FIELDS } from '../../../../shared/fields.ts'
import { textColumn } from '../columns.ts'
import { Engine } from '../engine.ts'
import { messageOf } from '../failure.ts'
import { quoteName, quoteText } from '../schema.ts'
import { LABEL_COLUMNS } from './schema.ts'

const MEMORY_BYTES = 256 * 2 ** 20
const TEMP_BYTES = 4 * 2 ** 30

/** Reads a file of lines by their times, as lines that the ingest takes, some at a time. Throws SWARMLOGS_USAGE. */
export async function* readLines(path: string, tempDir: string): AsyncGenerator<Record<string, unknown>[]> {
  const engine = await Engine.open({ memoryBytes: MEMORY_BYTES, tempDir, tempBytes: TEMP_BYTES })
  try {
    const result = await engine.writer.stream(
      `SELECT encode(to_json({${members()}})::VARCHAR) FROM read_parquet(${quoteText(path)}) ORDER BY time, stream, source, ordinal`,
    )
    for (
      let chunk = await result.fetchChunk();
      chunk !== null && chunk.rowCount > 0;
      chunk = await result.fetchChunk()
    ) {
      const text = textColumn(chunk, 0)
      yield Array.from({ length: chunk.rowCount }, (_, row) => present(JSON.parse(text(row))))
    }
  } catch (cause) {
    const message = `cannot read '${path}': ${messageOf(cause)}; give a Parquet file that swarmlogs wrote`
    throw new SwarmlogsError('SWARMLOGS_USAGE', message, { cause })
  } finally {
    await engine.close()
  }
}

function members(): string {
  const columns = Object.entries(LABEL_COLUMNS)
  const labels = Object.entries(STREAM_FIELDS).flatMap(([name, label]) =>
    columns.filter(([, of]) => of === label).map(([column]) => `${quoteText(name)}: ${quoteName(column)}`),
  )
  return [`'@timestamp': time::VARCHAR`, 'message: message', `'log.iostream': source`, ...labels].join(', ')
}

/** Labels without a value are left out; an empty message is one. */
function present(line: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(line).filter(([name, value]) => name === 'message' || (value !== '' && value !== 0))
  return Object.fromEntries(entries)
}
