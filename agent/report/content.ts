import { REPORT_LIST_LIMIT, type ReportedContainer, type ReportedContainers } from '../../shared/report.ts'
import { serviceName } from '../enrich.ts'
import type { AgentStatus } from '../status.ts'
import { logFileBytes, lossOf, type Target } from '../target.ts'
import type { Mark } from './watermark.ts'

/** The lists of a report: which containers are odd, and how. */
export interface OddContainers {
  readonly behind: ReportedContainers
  readonly unreadable: ReportedContainers
  readonly lossy: ReportedContainers
  readonly unrotated: ReportedContainers
}

/** Says what is odd about the containers that are being read, and about those that cannot be. */
export function oddContainers(
  targets: readonly Target[],
  status: Pick<AgentStatus, 'unreadableContainers'>,
  mark: Mark | undefined,
): OddContainers {
  const behind = [...(mark?.behind ?? [])].map(([id, upTo]) =>
    container(id, mark?.services.get(id) ?? '', String(upTo)),
  )
  const unreadable = [...status.unreadableContainers].map(([id, { service, reason }]) => container(id, service, reason))
  return {
    behind: listed(behind),
    unreadable: listed(unreadable),
    lossy: listed(targets.flatMap((target) => described(target, lossOf(target)))),
    unrotated: listed(
      targets.flatMap((target) => (logFileBytes(target) === undefined ? described(target, target.driver) : [])),
    ),
  }
}

function described(target: Target, detail: string): ReportedContainer[] {
  return detail === '' ? [] : [container(target.id, serviceName(target), detail)]
}

function container(containerId: string, service: string, detail: string): ReportedContainer {
  return { containerId, service, detail }
}

function listed(containers: readonly ReportedContainer[]): ReportedContainers {
  return { count: containers.length, named: containers.slice(0, REPORT_LIST_LIMIT) }
}
