import { afterAll, beforeAll, expect, it } from 'vitest'
import type { StoredRecord } from '../../shared/record.ts'
import { formatTime } from '../../shared/time.ts'
import { installPython, type Python } from '../lab/python.ts'
import { run } from '../lab/run.ts'
import { ArchiveScene } from '../server/archive/scene.ts'
import { lines } from '../server/bundle/scene.ts'
import { collect, NOON, queryOf, recordOf, SECOND, WEB } from '../server/store/records.ts'

const SCRIPT = new URL('../lab/read-parquet.py', import.meta.url).pathname
const OBJECT = '{"level":"info","msg":"hi","n":1.50}'

let python: Python
let scene: ArchiveScene
beforeAll(async () => {
  python = await installPython(['duckdb==2.0.0', 'pyarrow==26.0.1'])
  const nanoseconds = recordOf(WEB, { time: NOON + 20n * SECOND + 123_456_789n, message: 'exactly then' })
  // Of these what they hold is the line itself, which is stored once.
  const own = recordOf(WEB, { time: NOON + 21n * SECOND, message: OBJECT, fields: OBJECT })
  scene = await ArchiveScene.open([...lines(), nanoseconds, own])
}, 300_000)
afterAll(async () => {
  await python?.remove()
  await scene?.close()
})

/** A record as the script prints it, but for `fields`, which is NULL where it is the message. */
function rowOf({ stream, time, source, ordinal, level, message, fields }: StoredRecord): unknown[] {
  const { service, containerId, slot, attributes } = stream
  const shown = fields === message ? null : fields
  const labels = [service, containerId, slot, JSON.stringify(attributes)]
  return [String(time), source, ordinal, level, message, shown, ...labels, formatTime(time)]
}

it.each(['duckdb', 'pyarrow'])('an archived day is read by %s, line for line', async (reader) => {
  const day = formatTime(NOON).slice(0, 10)
  const stored = await collect(scene.store, queryOf({ since: NOON - 43_200n * SECOND }))
  expect(stored.length).toBeGreaterThan(800)
  const text = await run(python.program('python'), [SCRIPT, reader, scene.path(`${day}.1`)])
  // JavaScript's numbers are not exact enough for nanoseconds.
  const rows: unknown[][] = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line.replace(/^\[(\d+),/, '["$1",')))
  expect(rows).toEqual(stored.map(rowOf))
  expect(rows.filter((row) => row[5] === null).map((row) => row[4])).toEqual(['', OBJECT])
  expect(rows.filter((row) => String(row[10]).endsWith('.123456789Z'))).toHaveLength(1)
})
