import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatTime } from '../../shared/time.ts'
import { serve, type TestServer } from '../server/serve.ts'
import { MemoryStore } from '../server/store/memory.ts'
import { API, linesOf, NOON, recordOf, SECOND, WEB } from '../server/store/records.ts'
import { runCli, shell } from './scripted.ts'

let dir: string
let from: TestServer
let to: TestServer

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'swarmlogs-transfer-'))
  const store = new MemoryStore()
  await store.append([
    ...linesOf(WEB, 20, { message: '{"level":"warn","n":1}', level: 'warn', fields: '{"n":1,"event.received":"x"}' }),
    ...linesOf(API, 20, { source: 'stderr', time: NOON + SECOND }),
    recordOf(API, { time: NOON + 3n * SECOND, message: 'a "quoted", text\r' }),
  ])
  ;[from, to] = await Promise.all([serve({ store }), serve()])
})
afterAll(async () => {
  await Promise.all([from.close(), to.close()])
  await rm(dir, { recursive: true, force: true })
})

const path = (name: string) => join(dir, name)
const cli = (server: TestServer, ...args: readonly string[]) => runCli(args, { SWARMLOGS_URL: server.url })
const countOf = async (server: TestServer, q: string) => (await (await server.get(`/api/v1/count?${q}`)).json()).records

describe('export', () => {
  it('writes NDJSON, plain and packed, CSV and Parquet', { timeout: 60_000 }, async () => {
    const names = ['a.ndjson', 'a.ndjson.gz', 'a.jsonl.zst', 'a.csv', 'a.parquet']
    const outcomes = await Promise.all(names.map((name) => cli(from, 'export', '-o', path(name))))
    expect(outcomes).toEqual(names.map(() => expect.objectContaining({ code: 0, stdout: '', stderr: '' })))
    const [plain, gz, zst, csv, parquet] = await Promise.all(names.map((name) => readFile(path(name))))
    if (!plain || !gz || !zst || !csv || !parquet) throw new Error('a file is missing')
    const lines = plain
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toHaveLength(41)
    expect(lines[0]).toMatchObject({ message: '{"level":"warn","n":1}', fields: { n: 1, 'event.received': 'x' } })
    expect(lines.some((line) => 'cursor' in line || 'event.received' in line)).toBe(false)
    expect([gunzipSync(gz), zstdDecompressSync(zst)]).toEqual([plain, plain])
    expect(csv.toString()).toMatch(/^time,service,slot,node,source,level,message\n2.*"a ""quoted"", text\r"\n$/s)
    expect([parquet.toString('latin1', 0, 4), parquet.toString('latin1', parquet.length - 4)]).toEqual(['PAR1', 'PAR1'])
  })

  it('prints to stdout, and a hash that tells equal lines', { timeout: 60_000 }, async () => {
    const [whole, hash, same, fewer] = await Promise.all([
      cli(from, 'export', 'level>=warn', '--service', 'shop_web'),
      cli(from, 'export', '--hash'),
      cli(from, 'export', '--hash', '--since', '2020-01-01'),
      cli(from, 'export', '--hash', '--service', 'shop_web'),
    ])
    expect(whole.stdout.trimEnd().split('\n')).toHaveLength(20)
    expect(hash.stdout).toMatch(/^[0-9a-f]{64} {2}41 lines\n$/)
    expect(same.stdout).toBe(hash.stdout)
    expect(fewer.stdout).toMatch(/ 20 lines\n$/)
    expect(fewer.stdout.slice(0, 64)).not.toBe(hash.stdout.slice(0, 64))
  })

  it('says what is wrong, and leaves nothing', { timeout: 60_000 }, async () => {
    const outcomes = await Promise.all([
      cli(from, 'export', '-o', path('a.xls')),
      cli(from, 'export', '--format', 'parquet'),
      cli(from, 'export', '-o', '/nonexistent/a.csv'),
      cli(from, 'export', 'level>', '-o', path('b.csv')),
    ])
    expect(outcomes.map(({ code, stderr }) => [code, stderr.split('\n')[0]])).toEqual([
      [2, expect.stringMatching(/^error: cannot tell the form of '.*a\.xls': give ndjson, csv, parquet$/)],
      [2, 'error: cannot write Parquet to stdout: give a file by -o'],
      [2, expect.stringMatching(/^error: cannot write '\/nonexistent\/a.csv': ENOENT/)],
      [2, expect.stringMatching(/^error: cannot /)],
    ])
    expect(existsSync(path('b.csv')) || existsSync(path('b.csv.unfinished'))).toBe(false)
  })
})

describe('import', () => {
  it('stores each line of a file once, however often it is sent', { timeout: 60_000 }, async () => {
    await cli(from, 'export', '-o', path('all.ndjson.zst'))
    for (const _ of [1, 2]) {
      const { stdout, stderr } = await cli(to, 'import', path('all.ndjson.zst'), '--tag', 'copy')
      expect({ stdout, stderr }).toEqual({ stdout: 'imported 41 lines\n', stderr: '' })
    }
    expect(await countOf(to, '')).toBe(41)
    expect(await countOf(to, 'service=shop_api&source=stderr')).toBe(20)
    expect(await countOf(to, 'q=level:warn n:1')).toBe(20)
    const { records } = await (await to.get('/api/v1/search?order=desc&limit=1')).json()
    expect(records[0]).toMatchObject({ message: 'a "quoted", text\r', tag: 'copy', 'docker.swarm.task.slot': 1 })
  })

  it.each(['csv', 'parquet'])('takes the %s that export wrote', { timeout: 60_000 }, async (form) => {
    const other = await serve()
    await cli(from, 'export', '-o', path(`back.${form}`))
    const { stdout, stderr } = await cli(other, 'import', path(`back.${form}`))
    expect({ stdout, stderr }).toEqual({ stdout: 'imported 41 lines\n', stderr: '' })
    expect(await countOf(other, 'service=shop_api&source=stderr&node=worker-0')).toBe(20)
    const { records } = await (await other.get('/api/v1/search?order=desc&limit=1')).json()
    expect(records[0]).toMatchObject({ '@timestamp': formatTime(NOON + 3n * SECOND), message: 'a "quoted", text\r' })
    await other.close()
  })

  it('takes what docker prints and keeps, packed or from a pipe', { timeout: 60_000 }, async () => {
    const time = (at: number) => new Date(Number(NOON / 1_000_000n) + at).toISOString().replace('Z', '000000Z')
    const service = [1, 2, 2].map((at) => `${time(at)} db.1.lfap0icnqswi@n7    | row ${at}\n`).join('')
    const log = [1, 2]
      .map((at) => `${JSON.stringify({ log: `e${at}\n`, stream: 'stderr', time: time(at) })}\n`)
      .join('')
    await writeFile(path('service.log.gz'), gzipSync(service))
    await writeFile(path(`${'ab'.repeat(32)}-json.log`), zstdCompressSync(log))
    const files = [path('service.log.gz'), path(`${'ab'.repeat(32)}-json.log`)]
    expect((await cli(to, 'import', ...files, '--service', 'cache')).stdout).toBe('imported 5 lines\n')
    expect(await countOf(to, 'service=db&task=db.1&node=n7')).toBe(3)
    expect(await countOf(to, `service=cache&source=stderr&container=${'ab'.repeat(32)}`)).toBe(2)
    const piped = await shell(`printf '%s hello\\n' ${time(9)} | $SWARMLOGS import - --service piped`, to.url)
    expect(piped).toEqual({ code: 0, stdout: 'imported 1 lines\n', stderr: '' })
    expect(await countOf(to, 'service=piped')).toBe(1)
  })

  it('says which line is wrong, and what it cannot read', { timeout: 60_000 }, async () => {
    await writeFile(path('mixed.log'), '{"msg":"x"}\nplain\n')
    await writeFile(path('odd.ndjson'), '{"msg":"x"}\n{"msg":"y","@timestamp":"never"}\n')
    await writeFile(path('cut.gz'), gzipSync('x'.repeat(10_000)).subarray(0, 20))
    const outcomes = await Promise.all([
      cli(to, 'import', path('mixed.log')),
      cli(to, 'import', path('odd.ndjson')),
      cli(to, 'import', path('cut.gz')),
      cli(to, 'import', path('none')),
      cli(to, 'import', path('mixed.log'), '--format', 'xml'),
    ])
    expect(outcomes.map(({ code, stdout, stderr }) => [code, stdout, stderr.split('\n')[0]])).toEqual([
      [2, '', expect.stringMatching(/^error: cannot read a line as ndjson: 'plain' \(.*mixed\.log:2\)/)],
      [1, 'imported 1 lines, 1 could not be taken\n', expect.stringContaining('its @timestamp "never" is no time')],
      [2, '', expect.stringMatching(/^error: cannot read '.*cut\.gz': unexpected end of file$/)],
      [2, '', expect.stringMatching(/^error: cannot read '.*none': ENOENT/)],
      [2, '', "error: cannot use 'xml' for --format: give ndjson, json-file, service-logs, docker-logs, csv"],
    ])
  })
})
