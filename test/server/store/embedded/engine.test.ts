import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Engine, type Reader } from '../../../../server/store/embedded/engine.ts'

let folder: string
let engine: Engine

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swarmlogs-engine-'))
  engine = await Engine.open({ memoryBytes: 256 * 2 ** 20, tempDir: join(folder, 'tmp'), tempBytes: 2 ** 20 })
})

afterEach(async () => {
  await engine.close()
  await rm(folder, { recursive: true })
})

it('lets who waits for a reader go when the signal aborts', async () => {
  const readers: Reader[] = []
  for (let count = 0; count < 32; count++) readers.push(await engine.lease())
  const client = new AbortController()
  const gone = engine.lease(client.signal)
  const next = engine.lease()
  client.abort(new Error('gone'))
  await expect(gone).rejects.toThrow('gone')
  for (const reader of readers) reader.release()
  ;(await next).release()
})

const ROWS = 1_000_000
const ALL = `SELECT number, repeat('x', 100) FROM many.numbers`

async function attachMany(): Promise<string> {
  const file = join(folder, 'many.duckdb')
  await engine.writer.run(`ATTACH '${file}' AS many`)
  await engine.writer.run(`CREATE TABLE many.numbers AS SELECT range AS number FROM range(${ROWS})`)
  return file
}

async function isOpen(file: string): Promise<boolean> {
  const numbers = await readdir('/proc/self/fd')
  const paths = await Promise.all(numbers.map((number) => readlink(`/proc/self/fd/${number}`).catch(() => '')))
  return paths.some((path) => path.startsWith(file))
}

it.each<[string, (reader: Reader, rows: AsyncGenerator) => unknown]>([
  ['left', (reader, rows) => rows.return(undefined).then(() => reader.release())],
  ['still awaited', (_, rows) => void rows.next().catch(() => undefined)],
  ['paused', () => undefined],
  ['stopped', (reader) => reader.stop()],
])('keeps no file open for a result that is %s when it is closed', async (_, leave) => {
  const file = await attachMany()
  const reader = await engine.lease()
  const rows = reader.chunks(ALL)
  await rows.next()
  await leave(reader, rows)
  expect(await isOpen(file)).toBe(true)
  await engine.close()
  expect(await isOpen(file)).toBe(false)
  expect(await rows.next().catch(() => 'stopped')).toSatisfy((last) => last === 'stopped' || last.done)
})

it('goes on with a reader when a result was left', async () => {
  await attachMany()
  const reader = await engine.lease()
  for (let round = 0; round < 3; round++) for await (const _ of reader.chunks(ALL)) break
  let count = 0
  for await (const { rowCount } of reader.chunks(ALL)) count += rowCount
  expect(count).toBe(ROWS)
  reader.release()
})
