import { describe, expect, it } from 'vitest'
import { clusterChecks, worst } from '../../cli/cluster-checks.ts'
import type { ApiStatus } from '../../shared/api/status.ts'
import { NOW, nodeOf, statusOf } from './status.ts'

const spool = { chunks: 0, bytes: 0, max_bytes: 1000, policy: 'block', waits: '', dropped: 0 } as const
const containers = {
  count: 7,
  named: [{ 'host.name': 'n', 'service.name': 'web', 'container.id': 'c', detail: 'none' }],
}
const gaps = (count: number, reasons: Record<string, number>) => ({ since: NOW, count, reasons, newest: [] })
const { agent: _, ...bare } = nodeOf('node3', { late: 'no_agent' })
const { gaps: __, ...mute } = statusOf()

// What is wrong, and the only check that finds it.
const WRONG: readonly (readonly [what: string, found: string, text: string, status: ApiStatus])[] = [
  ['a store that takes nothing', 'failed store', 'full', statusOf({}, { writable: false, reason: 'the disk is full' })],
  ['damaged files', 'warning damaged', '1 file set aside', statusOf({}, { damaged: ['x'] })],
  [
    'damage in the archive',
    'warning archive',
    'damaged in the archive: 2026-11-19.1/words',
    statusOf({}, { damaged: ['2026-11-19.1/words'] }),
  ],
  ['refused lines', 'warning refused', '2 lines', statusOf({}, { refused: 2 })],
  ['a disk that fills first', 'warning disk', '1.0 GiB', statusOf({}, { bytes: 0, free_bytes: 1, max_bytes: 2 ** 30 })],
  ['no observer', 'warning membership', 'nobody', statusOf({ membership: 'unknown' })],
  ['no agent at all', 'failed agents', 'no agent', statusOf({ nodes: [] })],
  ['a node without an agent', 'failed agents', '1 node without an agent: node3', statusOf({ nodes: [bare] })],
  ['a lost agent', 'failed agents', 'not connected', statusOf({ nodes: [nodeOf('n', { late: 'not_connected' })] })],
  ['a node that is down', 'warning agents', '1 node down: n', statusOf({ nodes: [nodeOf('n', { late: 'down' })] })],
  ['lag', 'warning agents', '1 node behind: n', statusOf({ nodes: [nodeOf('n', { late: 'lagging' })] })],
  ['a dead engine', 'failed engines', 'n (gone)', statusOf({ nodes: [nodeOf('n', {}, { trouble: 'gone' })] })],
  [
    'a full spool',
    'failed spools',
    'n (full)',
    statusOf({ nodes: [nodeOf('n', {}, { spool: { ...spool, waits: 'full' } })] }),
  ],
  [
    'a spool that fills',
    'warning spools',
    'nearly full: n',
    statusOf({ nodes: [nodeOf('n', {}, { spool: { ...spool, bytes: 900 } })] }),
  ],
  ['a clock ahead', 'warning clocks', 'n 1.5 s ahead', statusOf({ nodes: [nodeOf('n', {}, { ahead_ms: 1500 })] })],
  ['a clock behind', 'warning clocks', 'n 6.0 s behind', statusOf({ nodes: [nodeOf('n', {}, { ahead_ms: -6000 })] })],
  ['a mix of versions', 'warning versions', 'n 0.0.1', statusOf({ nodes: [nodeOf('n', {}, { version: '0.0.1' })] })],
  ['unreadable containers', 'warning unreadable', '7 containers', statusOf({ unreadable: containers })],
  ['lossy containers', 'warning lossy', '7 containers', statusOf({ lossy: containers })],
  ['unrotated containers', 'warning unrotated', '7 containers', statusOf({ unrotated: containers })],
  [
    'gaps',
    'warning gaps',
    '2 gaps in the last day: 2 rotated',
    statusOf({ gaps: gaps(3, { rotated: 2, horizon: 1, lossy: 5 }) }),
  ],
  ['a store that does not tell of gaps', 'warning gaps', 'does not tell', mute],
]

describe('clusterChecks', () => {
  it('finds nothing where all is well', () => {
    const checks = clusterChecks(statusOf({}, { free_bytes: 2 ** 40, max_bytes: 2 ** 30 }))
    expect(checks.filter(({ state }) => state !== 'ok')).toEqual([])
    expect(worst(checks)).toBe('ok')
  })

  it.each([
    ['what is older than the horizon', statusOf({ gaps: gaps(1, { horizon: 1 }) })],
    ['a report that took its time', statusOf({ nodes: [nodeOf('n', {}, { ahead_ms: -4000 })] })],
    [
      'what an agent that is away once told',
      statusOf({ nodes: [nodeOf('n', {}, { connected: false, trouble: 'x' })] }),
    ],
  ])('does not mind %s', (_what, status) => {
    expect(worst(clusterChecks(status))).toBe('ok')
  })

  it.each(WRONG)('finds %s: %s', (_what, found, text, status) => {
    const wrong = clusterChecks(status).filter(({ state }) => state !== 'ok')
    expect(wrong.map(({ state, name }) => `${state} ${name}`)).toEqual([found])
    expect(wrong[0]?.text).toContain(text)
    expect(wrong[0]?.remedy).toBeTruthy()
  })
})
