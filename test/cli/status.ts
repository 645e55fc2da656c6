import type { ApiNodeStatus, ApiStatus } from '../../shared/api/status.ts'
import { programVersion } from '../../shared/version.ts'

/** When the statuses below were told. */
export const NOW = '2026-11-21T12:00:10.000000000Z'
const NOTHING = { count: 0, named: [] }

/** A node with its agent, all well but for what is given. */
export function nodeOf(
  name: string,
  node: Partial<ApiNodeStatus> = {},
  agent: Partial<NonNullable<ApiNodeStatus['agent']>> = {},
): ApiNodeStatus {
  return {
    ...{ id: `id-${name}`, name, role: 'worker', state: 'ready', engine: '26.1.5' },
    agent: {
      ...{ version: programVersion(), connected: true, heard: NOW, up_to: NOW, lag_ms: 1800, ahead_ms: 0 },
      ...{ following: 14, behind: 0, lines_per_second: 12, bytes_per_second: 1200, trouble: '' },
      spool: { chunks: 0, bytes: 0, max_bytes: 2 ** 30, policy: 'block', waits: '', dropped: 0 },
      ...agent,
    },
    ...node,
  }
}

/** What a server with one node tells when all is well, but for what is given. */
export function statusOf(status: Partial<ApiStatus> = {}, store: Partial<ApiStatus['store']> = {}): ApiStatus {
  return {
    ...{ version: programVersion(), time: NOW, verdict: 'complete', membership: 'known', observers: ['node1'] },
    nodes: [nodeOf('node1', { role: 'manager' })],
    ...{ unreadable: NOTHING, lossy: NOTHING, unrotated: NOTHING },
    gaps: { since: '2026-11-20T12:00:10.000000000Z', count: 0, reasons: {}, newest: [] },
    ...status,
    store: {
      ...{ kind: 'embedded', id: 'abc', epoch: 3, writable: true, records: 42, bytes: 3_500_000 },
      ...{ begins: '2026-11-19T12:00:00.000000000Z', segments: 1, damaged: [], refused: 0 },
      ...store,
    },
  }
}
