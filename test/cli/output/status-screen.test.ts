import { describe, expect, it } from 'vitest'
import { statusScreen } from '../../../cli/output/status-screen.ts'
import type { ApiGap } from '../../../shared/api/record.ts'
import { programVersion } from '../../../shared/version.ts'
import { NOW, nodeOf, statusOf } from '../status.ts'

const screen = (status = statusOf(), width = 80) => statusScreen(status, Date.parse(NOW), width)
const version = programVersion()

describe('statusScreen', () => {
  it('shows on one screen how all is', () => {
    expect(screen()).toEqual([
      `SERVER      ${version}`,
      'VERDICT     complete: the lines of 1 node come in',
      'OBSERVER    node1',
      'STORE       embedded abc, epoch 3',
      '            takes lines',
      '            42 lines of 3 days in 1 file, 3.3 MiB, the oldest of 2 days ago',
      'GAPS        none in the last day',
      'ATTENTION   nothing',
      '',
      'NODE   ROLE     STATE  AGENT  ENGINE  LAG   SPOOL  LINES/S  READS',
      `node1  manager  ready  ${version}  26.1.5  1.8s  0 B    12       14`,
    ])
  })

  it('shows what is wrong, and what to do, in 80 columns', () => {
    const gap: ApiGap = {
      ...{ 'service.name': 'web', 'host.name': 'node2', 'container.id': 'abc', 'docker.swarm.task.slot': 3 },
      ...{ from: '2026-11-20T10:02:11Z', to: '2026-11-20T10:02:40Z', reason: 'rotated', at_least: 120 },
    }
    const long = 'ip-10-0-1-23.eu-west-1.compute.internal'
    const spool = { chunks: 9, bytes: 2 ** 30, max_bytes: 2 ** 30, policy: 'block', waits: 'full', dropped: 0 } as const
    const { agent: _, ...bare } = nodeOf('node3', { late: 'no_agent' })
    const lines = screen(
      statusOf(
        {
          verdict: 'partial',
          nodes: [nodeOf(long, { late: 'spool' }, { spool, lag_ms: 200_000 }), bare],
          gaps: { since: NOW, count: 1, reasons: { rotated: 1 }, newest: [gap] },
        },
        {
          writable: false,
          reason: 'the disk is full',
          changed: 'the store changed',
          damaged: ['x.duckdb'],
          refused: 7,
          archive: { days: 12, bytes: 2 ** 30, kept: 1 },
        },
      ),
    )
    expect(lines.filter((line) => line.length > 80)).toEqual([])
    const text = lines.join('\n').replace(/\s+/g, ' ')
    for (const part of [
      'partial: lines of 2 nodes are missing',
      'takes no lines: the disk is full',
      'the store changed',
      'damaged: x.duckdb',
      'archived: 12 days, 1.0 GiB; 1 day on hold',
      '7 refused: see swarmlogs status --refused',
      'web.3 on node2: ',
      'lost, rotated away, at least 120 lines',
      `spools that take no more lines: ${long} (full): see why`,
      '1 node without an agent: node3: run one there',
      'node3 worker ready none 26.1.5',
      '3m 1.0 GiB 12 14',
    ])
      expect(text).toContain(part)
    expect(lines.some((line) => /^ip-10-0\S*… {2}worker/.test(line))).toBe(true)
  })
})
