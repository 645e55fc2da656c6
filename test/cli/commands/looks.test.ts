import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bar, sparkline } from '../../../cli/output/bars.ts'
import { ranked, topTable } from '../../../cli/output/top-table.ts'
import { type Answer, json, runCli, ScriptedServer } from '../scripted.ts'

const server = new ScriptedServer()
beforeAll(() => server.start())
afterAll(() => server.stop())

const EXAMINED = { records: 10, limited: true, from: '2026-11-21T00:00:00.000000000Z' }
const COMPLETE = { verdict: 'complete', membership: 'known', nodes: [], gaps: 0, unreadable: [], lossy: [] }
const ask = async (...args: string[]) => {
  const { code, stdout, stderr } = await runCli(args, { SWARMLOGS_URL: server.url, TZ: 'UTC' })
  const text = (bytes: string) => Buffer.from(bytes, 'latin1').toString()
  return { code, stdout: text(stdout), stderr: text(stderr), asked: server.requests.map(({ url }) => url) }
}

describe('histogram', () => {
  const buckets = [
    { start: '2026-11-21T10:00:00.000000000Z', records: 4, counts: { web: 3, api: 1 } },
    { start: '2026-11-21T10:10:00.000000000Z', records: 8, counts: { web: 8 } },
  ]

  it('draws a bar for each bucket, also for empty ones', async () => {
    server.script(json(200, { interval: '5m', buckets }))
    const { code, stdout, stderr, asked } = await ask('histogram', 'web', 'level>=error', '--level', 'warn')
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'the last hour; --since looks further back\n' })
    expect(stdout.split('\n').map((line) => line.trimEnd())).toEqual([
      `2026-11-21 10:00:00  4  ${'█'.repeat(28)}`,
      '2026-11-21 10:05:00  0',
      `2026-11-21 10:10:00  8  ${'█'.repeat(56)}`,
      '',
    ])
    expect(asked[0]?.pathname).toBe('/api/v1/histogram')
    expect(Object.fromEntries(asked[0]?.searchParams ?? [])).toEqual({
      target: 'web',
      q: '(level>=error) (level>=warn)',
      since: '1h',
    })
  })

  it('draws a sparkline for each value, the most frequent first', async () => {
    server.script(json(200, { interval: '5m', buckets }))
    const { stdout } = await ask('histogram', '--by', 'service', '--since', '2h')
    expect(stdout).toBe('2026-11-21 10:00:00 on, 5m each\nweb  11  ▃ █\napi   1  █\n')
  })
})

describe('fields, values, patterns and context', () => {
  it('print tables, and say when they do not tell of all lines', async () => {
    const field = { name: 'user.id', kind: 'line', records: 7, types: ['number', 'string'] }
    server.script(json(200, { fields: [field], more: false, examined: EXAMINED, completeness: COMPLETE }))
    const { stdout, stderr } = await ask('fields', '--prefix', 'user', '--since', '1d')
    expect(stdout).toBe('FIELD     KIND   TYPES            LINES\nuser.id   line   number, string   7\n')
    expect(stderr).toContain('-- of the newest 10 lines, from 2026-11-21T00:00:00.000000000Z on')
  })

  it('ask as they are told', async () => {
    const answer = { field: 'status', values: [{ value: 500, records: 3 }], more: true, without: 0, examined: EXAMINED }
    server.script(json(200, { ...answer, completeness: COMPLETE }))
    const { stdout, stderr, asked } = await ask('values', 'status', 'web', '-n', '1', '--since', '1h')
    expect(stdout).toBe('VALUE   LINES\n500     3\n')
    expect(stderr).toContain('-- there are more values')
    expect(asked[0]?.search).toBe('?target=web&since=1h&field=status&limit=1')
  })

  it('print how many lines there are, and whether some are missing', async () => {
    const completeness = { ...COMPLETE, verdict: 'partial', gaps: 2 }
    server.script(json(200, { records: 1234567, completeness }))
    const { stdout, stderr, asked } = await ask('count', 'web', 'level>=error', '--events', '--since', '1d')
    expect(stdout).toBe('1234567\n')
    expect(stderr).toContain('2 gaps')
    expect(asked[0]?.href).toContain('/api/v1/count?target=web&q=level%3E%3Derror&since=1d&events=true')
  })

  it('print numbers by what they are apart', async () => {
    const numbers = { count: 3, sum: 10, avg: 10 / 3, min: 1, max: 7, quantiles: { 0: 1, 0.5: 2, 0.999: 6.99 } }
    const groups = [
      { start: '2026-11-21T10:00:00.000000000Z', by: { service: 'web', status: 200 }, ...numbers },
      { start: '2026-11-21T10:05:00.000000000Z', by: { service: 'api', status: null }, ...numbers, count: 12 },
    ]
    server.script(json(200, { field: 'ms', groups, skipped: 2, examined: EXAMINED, completeness: COMPLETE }))
    const args = ['--by', 'service', '--by', 'status', '--interval', '5m', '--quantile', '0.5', '--since', '1h']
    const { stdout, stderr, asked } = await ask('stats', 'ms', 'web', ...args)
    expect(stdout).toBe(
      'TIME                             SERVICE   STATUS   COUNT   SUM   AVG       MIN   P0   P50   P99.9   MAX\n' +
        '2026-11-21T10:00:00.000000000Z   web       200      3       10    3.33333   1     1    2     6.99    7\n' +
        '2026-11-21T10:05:00.000000000Z   api                12      10    3.33333   1     1    2     6.99    7\n',
    )
    expect(stderr).toContain('-- 2 lines left out: no number in the field')
    expect(stderr).toContain('-- of the newest 10 lines')
    expect(asked[0]?.search).toBe('?target=web&since=1h&field=ms&by=service&by=status&quantile=0.5&interval=5m')
  })

  it('show lines around one, with the one marked', async () => {
    const record = (message: string) => ({
      ...{ '@timestamp': '2026-11-21T10:00:00.000000000Z', message, 'log.iostream': 'stdout' },
      ...{ 'service.name': 'web', 'host.name': 'n1', 'docker.swarm.task.id': 'x', 'docker.swarm.task.slot': 2 },
    })
    const answer = { before: [record('a')], record: record('b'), after: [], gaps: [], completeness: COMPLETE }
    server.script(json(200, answer))
    const { stdout, asked } = await ask('context', 'abc', '--before', '1')
    expect(stdout).toBe(
      '  2026-11-21T10:00:00.000000000Z web.2@n1 | a\n> 2026-11-21T10:00:00.000000000Z web.2@n1 | b\n',
    )
    expect(asked[0]?.search).toBe('?cursor=abc&before=1&after=10&within=container')
  })
})

describe('top', () => {
  const counts = { interval: '5200w', buckets: [{ start: EXAMINED.from, records: 66, counts: { web: 60, api: 6 } }] }
  const group = (service: string, count: number, sum: number) => ({ by: { service }, count, sum, avg: sum / count })
  const told = (stats: Answer): Answer[] => [
    (response, request) => (request.url?.includes('/stats') ? stats : json(200, counts))(response, request),
  ]

  it('shows lines, errors and bytes by service, and how they changed', async () => {
    const groups = [group('web', 60, 6_000), group('api', 6, 6 * 2048)]
    server.script(...told(json(200, { groups, examined: { records: 66, limited: false } })))
    const { stdout, asked } = await ask('top', '--sort', 'bytes')
    expect(stdout.split('\n').slice(1, 3)).toEqual([
      'api          6      0.1               6          12.0 KiB',
      'web         60      1.0              60           5.9 KiB',
    ])
    const queries = asked.map((url) => url.searchParams.get('q')).filter((q) => q !== null)
    expect(queries).toEqual(['level>=error', 'level>=error'])
  })

  it('reckons bytes from the newest lines where there are more', async () => {
    server.script(...told(json(200, { groups: [group('web', 10, 1_024)], examined: EXAMINED })))
    const { stdout } = await ask('top')
    expect(stdout).toMatch(/^web .* ~6\.0 KiB$/m)
    expect(stdout).toMatch(/^api .* \?$/m)
  })

  it('shows the rest where an older server knows no bytes', async () => {
    server.script(...told(json(404, { error: { code: 'no_such_address', message: 'cannot GET this' } })))
    expect((await ask('top')).stdout).toMatch(/^web +60 .* \?$/m)
  })

  it('fits the terminal, whatever a service is called', () => {
    const one = {
      service: `${'x'.repeat(100)}\x1b[2J`,
      lines: 10,
      before: 5,
      errors: 0,
      errorsBefore: 3,
      bytes: undefined,
    }
    const all = ranked([one, { ...one, service: 'b', lines: 20, before: 0 }], 'lines')
    const lines = topTable(all, { seconds: 60, width: 55, height: 3 })
    expect(lines.every((line) => line.length <= 55)).toBe(true)
    expect(lines).toHaveLength(3)
    expect(lines[1]).toMatch(/^b +20 +0.3 +new +0 +gone +\?$/)
    expect(lines[2]).toBe('and 1 more')
  })
})

describe('bars', () => {
  it('show something for what is more than nothing', () => {
    expect(bar(1, 1_000_000, 10)).toBe('▏')
    expect(bar(0, 5, 10)).toBe('')
    expect(sparkline([0, 1, 1_000])).toBe(' ▁█')
    expect(sparkline([])).toBe('')
  })
})
