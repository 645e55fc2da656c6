import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { gapText } from '../../cli/output/gap-text.ts'
import type { ApiCompleteness } from '../../shared/api/completeness.ts'
import type { ApiGap } from '../../shared/api/record.ts'
import { type Answer, events, frame, frames, runCli, ScriptedServer } from './scripted.ts'

const server = new ScriptedServer()
beforeAll(() => server.start())
afterAll(() => server.stop())

const ask = (...args: string[]) => runCli(args, { SWARMLOGS_URL: server.url, TZ: 'UTC' })
const today = new Date().toISOString().slice(0, 10)
const GAP: ApiGap = {
  ...{ 'service.name': 'web', 'host.name': 'node2', 'container.id': 'abc', 'docker.swarm.task.slot': 3 },
  ...{ from: `${today}T10:02:11.000000000Z`, to: `${today}T10:02:40.000000000Z`, reason: 'rotated', at_least: 120 },
}
const COMPLETE: ApiCompleteness = {
  ...{ verdict: 'complete', membership: 'known', nodes: [], gaps: 0, unreadable: [], lossy: [] },
}
const PARTIAL: ApiCompleteness = {
  ...COMPLETE,
  ...{ verdict: 'partial', gaps: 1 },
  nodes: [
    { id: 'n3', name: 'node3', reason: 'down', up_to: `${today}T10:00:00.000000000Z` },
    { id: 'n4', name: 'node4', reason: 'no_agent' },
  ],
}
const LINE = '-- web.3 on node2: 10:02:11 to 10:02:40 lost, rotated away, at least 120 lines\n'
const VERDICT = '-- not complete: node3 is down, here up to 10:00:00; node4 has no agent; 1 gap\n'

const docker = (completeness: ApiCompleteness, gaps: readonly ApiGap[] = []): Answer =>
  frames([frame(1, 'x\n'), frame(2, 'y\n'), frame(4, JSON.stringify({ completeness, gaps }))])
const ndjson = (completeness: ApiCompleteness): Answer => {
  return (response) =>
    response.end(
      `{"message":"x"}\n{"gap":${JSON.stringify(GAP)}}\n${JSON.stringify({ end: true, cursor: null, records: 1, completeness })}\n`,
    )
}

it('names the node alone where any of its containers may be meant', () => {
  const { 'host.name': name, from, to } = GAP
  const text = gapText({ ...(name !== undefined && { 'host.name': name }), from, to, reason: 'state', at_least: 0 })
  expect(text).toMatch(/^node2: .* may be lost, the agent had lost its state$/)
})

describe('what is missing', () => {
  it.each([
    ['logs', 'web'],
    ['tail', '-n', '9'],
    ['search', '-n', '9', 'x'],
  ])('is said on stderr, behind the lines: %s', async (...args) => {
    server.script(docker(PARTIAL, [GAP]))
    expect(await ask(...args)).toMatchObject({ code: 0, stdout: 'x\n', stderr: `y\n${LINE}${VERDICT}` })
  })

  it.each<[string, ApiCompleteness, number, string]>([
    ['is complete', COMPLETE, 0, ''],
    ['is not', PARTIAL, 3, VERDICT],
    [
      'may not be',
      { ...COMPLETE, verdict: 'unknown' },
      3,
      '-- membership unknown: no agent tells which nodes there are, so lines may be missing\n',
    ],
  ])('makes the exit code 3 with --strict, unless the answer %s', async (_, completeness, code, stderr) => {
    server.script(docker(completeness))
    expect(await ask('logs', '--strict', 'web')).toMatchObject({ code, stdout: 'x\n', stderr: `y\n${stderr}` })
    server.script(ndjson(completeness))
    expect(await ask('tail', '--strict', '-n', '9', '-o', 'json')).toMatchObject({
      ...{ code, stderr },
      stdout: `{"message":"x"}\n{"gap":${JSON.stringify(GAP)}}\n`,
    })
  })

  it.each<[Partial<ApiGap>, string]>([
    [{ at_least: 1, at_most: 1 }, 'web.3 on node2: 10:02:11 to 10:02:40 lost, rotated away, 1 line'],
    [{ at_least: 0 }, 'web.3 on node2: 10:02:11 to 10:02:40 lost, rotated away'],
    [{ at_least: 0, at_most: 7 }, 'web.3 on node2: 10:02:11 to 10:02:40 lost, rotated away, at most 7 lines'],
    [{ at_most: 130 }, 'web.3 on node2: 10:02:11 to 10:02:40 lost, rotated away, 120 to 130 lines'],
    [{ to: GAP.from, reason: 'store' }, 'web.3 on node2: 10:02:11 lost with another store, at least 120 lines'],
    [
      { from: '2020-02-03T10:00:00.000000000Z', to: '2020-02-03T11:00:00.000000000Z' },
      'web.3 on node2: 2020-02-03 10:00:00 to 11:00:00 lost, rotated away, at least 120 lines',
    ],
    [
      { 'service.name': 'evil\n\x1b[2Jname' },
      'evil^J^[[2Jname.3 on node2: 10:02:11 to 10:02:40 lost, rotated away, at least 120 lines',
    ],
  ])('is one line a gap: %#', async (fields, expected) => {
    server.script(docker(COMPLETE, [{ ...GAP, ...fields }]))
    expect((await ask('logs', 'web')).stderr).toBe(`y\n-- ${expected}\n`)
  })

  it('is dim on a terminal', async () => {
    server.script(docker(COMPLETE, [GAP]))
    expect((await ask('logs', '--color', 'always', 'web')).stderr).toContain(`\x1b[2m${LINE.trim()}\x1b[0m\n`)
  })

  it('is not said line by line without end', async () => {
    const gaps = Array.from({ length: 60 }, (_, index) => ({ ...GAP, 'container.id': String(index) }))
    server.script(docker(COMPLETE, gaps))
    const lines = (await ask('logs', 'web')).stderr.trim().split('\n')
    expect(lines).toHaveLength(52)
    expect(lines.at(-1)).toBe('-- further gaps are not shown; -o json has all of them')
  })

  it('is said as it comes with -f, once, and when it changes', async () => {
    const event = (name: string, data: object) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
    const line = `id: a\ndata: ${JSON.stringify({ source: 'stdout', text: 'x' })}\n\n`
    const script = [
      event('gap', GAP),
      event('gap', GAP),
      event('completeness', PARTIAL),
      event('completeness', PARTIAL),
      line,
    ]
    const end = [event('completeness', COMPLETE), event('note', { code: 'until', message: 'over' })]
    server.script(events([...script, ...end].join(''), true))
    expect(await ask('tail', '-f', '--strict', '-n', '9')).toMatchObject({
      ...{ code: 3, stdout: 'x\n' },
      stderr: `${LINE}${VERDICT}-- complete: the lines of all nodes come in\n`,
    })
    server.script(events(`${event('gap', GAP)}${event('note', { code: 'until', message: 'over' })}`, true))
    expect(await ask('tail', '-f', '-n', '9', '-o', 'json')).toMatchObject({
      stdout: `{"gap":${JSON.stringify(GAP)}}\n`,
      stderr: '',
    })
  })
})
