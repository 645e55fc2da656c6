import type { AgentReport, ReportedContainer, ReportedContainers } from '../../shared/report.ts'

/** So many containers, named; `count` where more are meant. */
export function containersOf(named: readonly ReportedContainer[] = [], count = named.length): ReportedContainers {
  return { count, named }
}

/** What the agent of node1 of the Swarm `cluster1` reports when all is well, but for what is given. */
export function reportOf(report: Partial<AgentReport> = {}): AgentReport {
  return {
    ...{ cluster: 'cluster1', nodeId: 'node1', nodeName: 'worker-1', version: '1.0.0', engine: '26.1.5' },
    ...{ time: '2000', engineAheadMs: 0, upTo: '1000', since: '1', following: 3 },
    ...{ behind: containersOf(), unreadable: containersOf(), lossy: containersOf(), unrotated: containersOf() },
    spool: { chunks: 0, bytes: 0, maxBytes: 2 ** 30, policy: 'block', waits: '', dropped: 0 },
    ...{ linesPerSecond: 10.5, bytesPerSecond: 1000, trouble: '', leaving: false, unfinished: 3 },
    ...report,
  }
}
