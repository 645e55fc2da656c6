import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, json, runCli, ScriptedServer, shell } from '../scripted.ts'

/** Every command that asks a server a question of its own. */
const ASKING = [
  ['histogram'],
  ['count'],
  ['top', '--once'],
  ['fields'],
  ['values', 'status'],
  ['stats', 'ms'],
  ['patterns'],
  ['context', 'abc'],
  ['services'],
] as const

const server = new ScriptedServer()
beforeAll(() => server.start())
afterAll(() => server.stop())

const TIME = '2026-11-21T10:00:00.000000000Z'
const EXAMINED = { records: 1, limited: false }
const COMPLETE = { verdict: 'complete', membership: 'known', nodes: [], gaps: 0, unreadable: [], lossy: [] }
const record = { '@timestamp': TIME, message: 'x'.repeat(100), 'log.iostream': 'stdout', 'event.received': TIME }
const many = <Item>(item: (index: number) => Item): Item[] => Array.from({ length: 900 }, (_, index) => item(index))

/** Long answers to all of them. */
const ANSWERS: Readonly<Record<string, unknown>> = {
  histogram: {
    interval: '1m',
    buckets: many((index) => ({
      ...{ start: new Date(Date.parse(TIME) + index * 60_000).toISOString().replace('Z', '000000Z'), records: 1 },
      counts: { [`service-${index}`]: 1 },
    })),
    completeness: COMPLETE,
  },
  count: { records: 1, completeness: COMPLETE },
  stats: { groups: [], examined: EXAMINED },
  fields: {
    fields: many((index) => ({ name: `field-${index}`, kind: 'line', records: 1, types: [] })),
    examined: EXAMINED,
  },
  values: { field: 'status', values: many((value) => ({ value, records: 1 })), examined: EXAMINED },
  patterns: {
    patterns: many((index) => ({ pattern: `p ${index}`, records: 1, share: 0.1, first: TIME, last: TIME })),
    examined: EXAMINED,
  },
  context: { before: many(() => record), record, after: [], gaps: [], completeness: COMPLETE },
}
const answer: Answer = (response, request) =>
  json(200, ANSWERS[new URL(request.url ?? '', server.url).pathname.replace('/api/v1/', '')])(response, request)

const problem = (code: string): Answer =>
  json(code === 'unauthorized' ? 401 : 404, { error: { code, message: 'cannot' } })
const outcomes = (env: Record<string, string>) =>
  Promise.all(ASKING.map(async (args) => ({ args, ...(await runCli(args, env)) })))

describe('commands that ask a server', () => {
  it.each([
    ['a server that is away', undefined, /^error: cannot reach http.*is the server up\? swarmlogs doctor checks/m],
    ['a token that is wrong', problem('unauthorized'), /^error: cannot read from http.*does not take this token/m],
    ['an older server', problem('no_such_address'), /^error: cannot ask http.*older than this program/m],
    [
      'something else on that port',
      ((response) => response.writeHead(404).end('<html>')) as Answer,
      /^error: cannot use the answer of .*is it a swarmlogs server/m,
    ],
  ])('say what to do about %s', async (_, scripted, said) => {
    if (scripted !== undefined) server.script(scripted)
    const url = scripted === undefined ? 'http://127.0.0.1:1' : server.url
    for (const { args, code, stdout, stderr } of await outcomes({ SWARMLOGS_URL: url, SWARMLOGS_TOKEN: 'wrong' })) {
      expect({ args, code, stdout }).toEqual({ args, code: 1, stdout: '' })
      expect(stderr).toMatch(said)
    }
  })

  it.each([
    'histogram --by service',
    'top',
    'fields',
    'values status',
    'patterns',
    'context abc',
    'context abc -o csv',
  ])('end quietly when the reader of %s goes away', async (args) => {
    server.script(answer)
    const { stdout, stderr } = await shell(`$SWARMLOGS ${args} | head -n 1; echo "$\{PIPESTATUS[0]}"`, server.url)
    expect(stdout).toMatch(/^.+\n0\n$/)
    expect(stderr.replace(/^the last hour.*\n/, '')).toBe('')
  })
})
