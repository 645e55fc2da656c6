import { describe, expect, it } from 'vitest'
import { dockerChecks } from '../../cli/docker-checks.ts'
import type { ExaminedContainer, ExaminedEngine } from '../../shared/examined.ts'

const MIB = 2 ** 20
const container = (name: string, one: Partial<ExaminedContainer> = {}): ExaminedContainer => ({
  ...{ id: name, name, driver: 'json-file', isReadable: true, loss: '', keptBytes: 100 * MIB, ...one },
})
const { keptBytes: _, ...unbounded } = container('web.1')
const wrong = (
  containers: ExaminedContainer[],
  rates: Record<string, number> = {},
  engine: Partial<ExaminedEngine> = {},
) =>
  dockerChecks(
    {
      host: 'unix:///x',
      version: '26.1.5',
      api: '1.45',
      aheadMs: 0,
      running: containers.length,
      containers,
      ...engine,
    },
    (id) => rates[id],
  )
    .filter(({ state }) => state !== 'ok')
    .map(({ state, name, text }) => `${state} ${name}: ${text}`)

describe('dockerChecks', () => {
  it('finds nothing where all is well', () => {
    expect(wrong([container('web.1')], { 'web.1': 100 })).toEqual([])
    expect(wrong([])).toEqual([])
  })

  it('says what a log without rotation would need, the fastest first', () => {
    expect(wrong([unbounded, { ...unbounded, id: 'b', name: 'b.1' }], { b: 1000 })).toEqual([
      'warning rotation: never rotated are the logs of b.1 (82.4 MiB a day, max-size=28m max-file=3), web.1 (max-size=10m max-file=3)',
    ])
    expect(wrong([unbounded], { 'web.1': 1_000_000 })[0]).toContain('max-size=342m max-file=3')
  })

  it('says how long a log lasts that is rotated away within an hour', () => {
    expect(wrong([container('web.1', { keptBytes: 10 * MIB })], { 'web.1': 50_000 })).toEqual([
      'warning rotation: less than an hour of lines is kept of web.1 (10.0 MiB are 3 minutes, an hour is 171.7 MiB)',
    ])
  })

  it('names containers that cannot be read, and those that may lose lines', () => {
    const none = container('a', { driver: 'none', isReadable: false })
    expect(wrong([none, container('b', { loss: 'mode=non-blocking' })])).toEqual([
      'warning drivers: the engine keeps no lines of a (none)',
      'warning lossy: the driver may drop lines of b (mode=non-blocking)',
    ])
  })

  it.each([
    [1500, '1.5 s ahead of'],
    [-2000, '2.0 s behind'],
  ])('compares clocks: %i ms', (aheadMs, text) => {
    expect(wrong([], {}, { aheadMs })).toEqual([`warning clock: the engine's clock is ${text} this machine's`])
  })
})
