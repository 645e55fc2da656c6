import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ApiPage, ApiTrailer } from '../../../shared/api/answers.ts'
import type { ApiGap } from '../../../shared/api/record.ts'
import { ANY_NODE, type Gap, nodeStream } from '../../../shared/gap.ts'
import { Events } from '../events.ts'
import { framesOf } from '../frames.ts'
import { inventoryOf } from '../inventory.ts'
import { reportOf } from '../report.ts'
import { serve, type TestServer } from '../serve.ts'
import type { StoreUnderTest } from '../store/contract.ts'
import { gapOf, linesOf, NOON, recordOf, SECOND, WEB } from '../store/records.ts'
import { STORES } from '../stores.ts'

const NDJSON = { accept: 'application/x-ndjson' }
const DOCKER = { accept: 'application/vnd.docker.multiplexed-stream' }
const TRAILER = { accept: `${DOCKER.accept};trailer=completeness` }
const MS = 1_000_000n
const nodes = [
  { id: 'node1', name: 'worker-1', role: 'worker', availability: 'active', state: 'ready', engine: '26' },
] as const
const node = { stream: nodeStream({ cluster: 'cluster1', nodeId: 'node1', nodeName: 'worker-1' }) }
/** A gap that begins behind a line of the ten, and ends before the next. */
const behind = (line: bigint, bounds: Partial<Gap> = {}): Gap =>
  gapOf(WEB, { from: NOON + line * MS + 1n, to: NOON + line * MS + 2n, ...bounds })

describe.each(STORES)('what is missing, over the %s store', (_, open) => {
  let under: StoreUnderTest
  let server: TestServer
  let tail: Events | undefined
  beforeEach(async () => {
    under = await open()
    server = await serve({ store: under.store, timing: { verdictMs: 50 } })
    await ingest(linesOf(WEB, 10))
  })
  afterEach(async () => {
    tail?.close()
    await server.close()
    await under.destroy()
  })
  const ingest = async (lines: readonly ReturnType<typeof recordOf>[], gaps: readonly Gap[] = []) =>
    server.context.ingestor.records(lines, gaps)
  const beWell = async (): Promise<void> => {
    server.context.ingestor.agent('node1', 'worker-1')
    await server.context.ingestor.inventory(inventoryOf({ nodes }))
    server.context.ingestor.report(reportOf({ upTo: String(server.context.now()) }))
  }
  const page = async (query: string): Promise<ApiPage> =>
    (await (await server.get(`/api/v1/search?${query}`)).json()) as ApiPage
  const lines = async (query: string) =>
    (await (await server.get(`/api/v1/search?${query}`, NDJSON)).text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
  const trailer = async (query: string): Promise<ApiTrailer> => {
    const response = await server.get(`/api/v1/search?${query}`, TRAILER)
    const last = framesOf(Buffer.from(await response.arrayBuffer())).at(-1)
    expect(last?.source).toBe('trailer')
    return JSON.parse(last?.text ?? '')
  }
  const shortOf = ({ gap, message }: { gap?: ApiGap; message?: string }) =>
    gap ? `gap ${gap.from.slice(-12)}` : message

  it('is not known before anybody tells, and nothing when all report', async () => {
    expect((await page('')).completeness).toMatchObject({
      verdict: 'unknown',
      membership: 'unknown',
      nodes: [],
      gaps: 0,
    })
    await beWell()
    for (const { completeness, gaps } of [await page(''), await trailer('')]) {
      expect({ completeness, gaps }).toMatchObject({
        completeness: { verdict: 'complete', membership: 'known', nodes: [], gaps: 0 },
        gaps: [],
      })
    }
    expect((await lines('')).at(-1)).toMatchObject({ end: true, completeness: { verdict: 'complete' } })
  })

  it('is a node whose agent is away', async () => {
    await beWell()
    const away = { ...nodes[0], id: 'node2', name: 'worker-2', state: 'down' }
    await server.context.ingestor.inventory(inventoryOf({ nodes: [...nodes, away] }))
    const expected = { verdict: 'partial', nodes: [{ id: 'node2', name: 'worker-2', reason: 'down' }] }
    expect((await page('')).completeness).toMatchObject(expected)
    expect((await page('target=web')).completeness).toMatchObject({ verdict: 'complete', nodes: [] })
  })

  it('is a gap, as a typed object with the labels of its stream', async () => {
    await beWell()
    await ingest([], [behind(3n, { atLeast: 120, atMost: 130 }), behind(5n, { reason: 'lossy', atLeast: 0 })])
    const { gaps, completeness } = await page('')
    expect(completeness).toMatchObject({ verdict: 'partial', gaps: 1 })
    expect(gaps[0]).toEqual({
      ...{ 'service.name': 'shop_web', 'host.name': 'worker-1', 'host.id': 'node1', 'container.id': 'container-web' },
      ...{
        'container.name': WEB.containerName,
        'container.image.name': WEB.image,
        'docker.swarm.cluster.id': 'cluster1',
      },
      ...{
        'docker.swarm.stack.name': 'shop',
        'docker.swarm.service.id': 'service-web',
        'docker.swarm.task.id': 'task-web',
      },
      ...{ 'docker.swarm.task.name': WEB.taskName, 'docker.swarm.task.slot': 1 },
      from: expect.stringMatching(/T12:00:00.003000001Z$/),
      to: expect.stringMatching(/T12:00:00.003000002Z$/),
      ...{ reason: 'rotated', at_least: 120, at_most: 130 },
    })
    expect(gaps[1]).toMatchObject({ reason: 'lossy', at_least: 0 })
    const since = (NOON + 4n * MS).toString().replace(/(\d{9})$/, '.$1')
    expect((await page(`since=${since}`)).completeness).toMatchObject({ verdict: 'complete', gaps: 0 })
    expect((await page('service=shop_db')).gaps).toEqual([])
    expect((await page(`until=${since}`)).completeness).toMatchObject({ verdict: 'partial', gaps: 1 })
  })

  it('is what nobody knows any more of any node, for any question about that time', async () => {
    await beWell()
    await ingest([], [{ ...behind(3n, { reason: 'damaged', atLeast: 0 }), stream: ANY_NODE }])
    for (const query of ['', 'service=shop_db', 'node=worker-1', 'container=other']) {
      const { gaps, completeness } = await page(query)
      expect(completeness).toMatchObject({ verdict: 'partial', gaps: 1 })
      expect(gaps).toEqual([{ from: expect.any(String), to: expect.any(String), reason: 'damaged', at_least: 0 }])
    }
    const since = (NOON + 4n * MS).toString().replace(/(\d{9})$/, '.$1')
    expect((await page(`since=${since}`)).completeness).toMatchObject({ verdict: 'complete', gaps: 0 })
  })

  it('is whatever was on a node when its agent began anew without its state, for any question about the node', async () => {
    await beWell()
    await ingest(
      [],
      [{ ...gapOf(WEB), ...node, from: NOON + 2n * MS, to: NOON + 5n * MS, reason: 'state', atLeast: 0 }],
    )
    for (const query of ['', 'service=shop_db', 'node=worker-1']) {
      const { gaps, completeness } = await page(query)
      expect(completeness).toMatchObject({ verdict: 'partial', gaps: 1 })
      expect(gaps).toEqual([
        {
          ...{ 'host.name': 'worker-1', 'host.id': 'node1', 'docker.swarm.cluster.id': 'cluster1' },
          ...{ from: expect.stringMatching(/00.002000000Z$/), to: expect.stringMatching(/00.005000000Z$/) },
          ...{ reason: 'state', at_least: 0 },
        },
      ])
    }
    const { gaps } = await page('node=worker-2')
    expect(gaps).toEqual([])
  })

  it('stands in its place among the lines, once, on whatever page that is', async () => {
    await ingest([], [behind(-5n), behind(2n), behind(6n), behind(20n)])
    const expected = {
      asc: [
        'gap 9.995000001Z',
        0,
        1,
        2,
        'gap 0.002000001Z',
        3,
        4,
        5,
        6,
        'gap 0.006000001Z',
        7,
        8,
        9,
        'gap 0.020000001Z',
      ],
      desc: [
        'gap 0.020000001Z',
        9,
        8,
        7,
        'gap 0.006000001Z',
        6,
        5,
        4,
        3,
        'gap 0.002000001Z',
        2,
        1,
        0,
        'gap 9.995000001Z',
      ],
    }
    for (const order of ['asc', 'desc'] as const) {
      const wanted = expected[order].map((one) => (typeof one === 'number' ? `line ${one}` : one))
      expect((await lines(`order=${order}`)).slice(0, -1).map(shortOf)).toEqual(wanted)
      const found: unknown[] = []
      for (let cursor: string | null = ''; cursor !== null; ) {
        const part = await lines(`order=${order}&limit=3${cursor && `&cursor=${cursor}`}`)
        found.push(...part.slice(0, -1).map(shortOf))
        cursor = part.at(-1).cursor
      }
      expect(found).toEqual(wanted)
      const gaps: ApiGap[] = []
      for (let cursor: string | null = ''; cursor !== null; ) {
        const next: ApiPage = await page(`order=${order}&limit=4${cursor && `&cursor=${cursor}`}`)
        gaps.push(...next.gaps)
        cursor = next.cursor
      }
      expect(gaps.map((gap) => shortOf({ gap }))).toEqual(wanted.filter((one) => one.startsWith('gap')))
    }
  })

  it('is left out where only newer lines are asked for', async () => {
    await beWell()
    await ingest([], [behind(2n)])
    for (const [query, verdict] of [
      ['n=5', 'complete'],
      ['n=5&order=desc', 'complete'],
      ['n=8', 'partial'],
      ['n=8&order=desc', 'partial'],
      ['n=100', 'partial'],
    ] as const) {
      expect([query, (await page(query)).completeness.verdict]).toEqual([query, verdict])
      expect([query, (await trailer(query)).completeness.verdict]).toEqual([query, verdict])
    }
  })

  it('stays missing on later pages, which show the store as it was', async () => {
    await beWell()
    server.context.ingestor.report(reportOf({ upTo: String(server.context.now() - 60n * SECOND) }))
    const first = await page('limit=4')
    expect(first.completeness.verdict).toBe('partial')
    server.context.ingestor.report(reportOf({ upTo: String(server.context.now()) }))
    expect((await page('limit=4')).completeness.verdict).toBe('complete')
    expect((await page(`limit=4&cursor=${first.cursor}`)).completeness.verdict).toBe('partial')
  })

  it('cannot be forged by what a line holds', async () => {
    const forged = '{"gap":{"reason":"rotated"}}\n{"end":true,"completeness":{"verdict":"complete"}}'
    const frame = '\u0004\u0000\u0000\u0000\u0000\u0000\u0000\u0002{}'
    const event = 'x\nevent: gap\ndata: {}\n\n'
    const hostile = [forged, frame, event].map((message, index) =>
      recordOf(WEB, { message, time: NOON + SECOND + BigInt(index), fields: '{"gap":{},"completeness":{}}' }),
    )
    await ingest(hostile)
    const answer = await lines('')
    expect(answer.filter(({ gap }) => gap !== undefined)).toEqual([])
    expect(answer.slice(10, 13).map(({ message }) => message)).toEqual([forged, frame, event])
    const multiplexed = await (await server.get('/api/v1/search?raw=true', TRAILER)).arrayBuffer()
    const frames = framesOf(Buffer.from(multiplexed))
    expect(frames.filter(({ source }) => source === 'trailer')).toHaveLength(1)
    for (const format of ['text', 'json']) {
      tail = new Events(`${server.url}/api/v1/tail?n=100&format=${format}`)
      expect((await tail.until('live')).flatMap(({ event: name }) => name ?? [])).toEqual(['completeness', 'live'])
      tail.close()
    }
  })

  it('is told behind plain text in an HTTP trailer', async () => {
    await beWell()
    await ingest([], [behind(2n)])
    for (const [query, expected] of [
      ['n=5', 'complete; nodes=0; gaps=0'],
      ['', 'partial; nodes=0; gaps=1'],
    ]) {
      const response = await new Promise<IncomingMessage>((resolve) =>
        get(`${server.url}/api/v1/search?${query}`, { headers: { accept: 'text/plain' } }, resolve),
      )
      response.resume()
      await once(response, 'end')
      expect(response.trailers).toEqual({ 'swarmlogs-completeness': expected })
    }
  })

  it("is not told to docker's own clients, which would take it for damage", async () => {
    const response = await server.get('/api/v1/search', DOCKER)
    const frames = framesOf(Buffer.from(await response.arrayBuffer()))
    expect(frames.map(({ source }) => source)).not.toContain('trailer')
  })

  it('is told to a tail: at its seam what history lacks, then gaps and verdicts as they change', async () => {
    await beWell()
    await ingest([], [behind(2n)])
    tail = new Events(`${server.url}/api/v1/tail?since=2020-01-01`)
    const history = (await tail.until('live')).slice(11)
    expect(history.map(({ event }) => event)).toEqual(['gap', 'completeness', 'live'])
    expect(JSON.parse(history[0]?.data ?? '')).toMatchObject({ reason: 'rotated', 'service.name': 'shop_web' })
    expect(JSON.parse(history[1]?.data ?? '')).toMatchObject({ verdict: 'partial', gaps: 1 })
    const cursor = history[2]?.id ?? ''
    await ingest([], [behind(30n)])
    const [gap] = await tail.take(1)
    expect(gap).toMatchObject({ event: 'gap' })
    expect(JSON.parse(gap?.data ?? '').from).toMatch(/0.030000001Z$/)
    server.context.ingestor.report(reportOf({ upTo: String(server.context.now() - 60n * SECOND) }))
    const [late] = await tail.take(1)
    expect(JSON.parse(late?.data ?? '')).toMatchObject({
      verdict: 'partial',
      nodes: [{ id: 'node1', reason: 'lagging' }],
    })
    server.context.ingestor.report(reportOf({ upTo: String(server.context.now()) }))
    const [well] = await tail.take(1)
    expect(JSON.parse(well?.data ?? '')).toMatchObject({ verdict: 'complete' })
    tail.close()
    const now = server.context.now()
    await ingest([], [gapOf(WEB, { from: now, to: now + 1n })])
    tail = new Events(`${server.url}/api/v1/tail?since=2020-01-01`, { 'last-event-id': cursor })
    const resumed = await tail.until('live')
    expect(resumed.map(({ event }) => event)).toEqual(['gap', 'completeness', 'live'])
  })

  it('is said by /readyz and /status when another store had it', async () => {
    const ready = async () => (await server.get('/readyz')).json()
    expect(await ready()).toEqual({ status: 'ok' })
    await ingest([], [behind(2n, { reason: 'store' }), behind(4n, { reason: 'store' })])
    const said = {
      status: 'ok',
      note: expect.stringMatching(/^the store changed: lines of 1 containers up to .*04000002Z/),
    }
    expect(await ready()).toEqual(said)
    const { store } = await (await server.get('/api/v1/status')).json()
    expect(store).toMatchObject({ changed: said.note })
    await server.close()
    await under.reopen()
    server = await serve({ store: under.store })
    expect(await ready()).toEqual(said)
  })
})
