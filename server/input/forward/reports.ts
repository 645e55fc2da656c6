import {
  type AgentReport,
  REPORT_LIST_LIMIT,
  type ReportedContainer,
  type ReportedContainers,
  SPOOL_POLICIES,
} from '../../../shared/report.ts'
import { FieldsReader } from './fields.ts'
import { shortened } from './label.ts'
import { MsgpackReader } from './reader.ts'

const ALLOWANCE = { keys: 4_000, values: 2_000, depth: 5 }

/** Decodes the body of a report frame, `[EventTime, AgentReport]`. Throws a Refusal when it is none. */
export function reportOf(body: Buffer): AgentReport {
  const reader = new MsgpackReader(body)
  reader.arrayLength()
  reader.skip()
  const fields = new FieldsReader('a report', reader.value({ ...ALLOWANCE }))
  const label = (name: string): string => shortened(fields.text(name))
  return {
    ...{ cluster: label('cluster'), nodeId: label('nodeId'), nodeName: label('nodeName') },
    ...{ version: label('version'), engine: label('engine'), trouble: label('trouble') },
    ...{ time: fields.time('time'), upTo: fields.time('upTo'), since: fields.time('since') },
    ...(fields.has('stateSince') && { stateSince: fields.time('stateSince') }),
    engineAheadMs: fields.number('engineAheadMs'),
    following: fields.count('following'),
    ...{ behind: containersOf(fields, 'behind'), unreadable: containersOf(fields, 'unreadable') },
    ...{ lossy: containersOf(fields, 'lossy'), unrotated: containersOf(fields, 'unrotated') },
    spool: spoolOf(fields.map('spool')),
    ...{ linesPerSecond: fields.number('linesPerSecond'), bytesPerSecond: fields.number('bytesPerSecond') },
    leaving: fields.flag('leaving'),
    unfinished: fields.count('unfinished'),
  }
}

function containersOf(fields: FieldsReader, name: string): ReportedContainers {
  const list = fields.map(name)
  return { count: list.count('count'), named: list.maps('named', REPORT_LIST_LIMIT).map(containerOf) }
}

function containerOf(fields: FieldsReader): ReportedContainer {
  const label = (name: string): string => shortened(fields.text(name))
  return { containerId: label('containerId'), service: label('service'), detail: label('detail') }
}

function spoolOf(fields: FieldsReader): AgentReport['spool'] {
  return {
    ...{ chunks: fields.count('chunks'), bytes: fields.count('bytes'), maxBytes: fields.count('maxBytes') },
    policy: fields.oneOf('policy', SPOOL_POLICIES),
    waits: shortened(fields.text('waits')),
    dropped: fields.count('dropped'),
  }
}
