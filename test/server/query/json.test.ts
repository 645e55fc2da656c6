import { describe, expect, it } from 'vitest'
import { recordJson } from '../../../server/query/json.ts'
import type { LogStream, StoredRecord } from '../../../shared/record.ts'
import { NOON, recordOf, streamOf } from '../store/records.ts'

function json(record: StoredRecord, cursor: string, clusterOf = (stream: LogStream) => stream.cluster): string {
  return recordJson(record, cursor, clusterOf)
}

describe('recordJson', () => {
  it('names everything that a record carries', () => {
    const fields = { level: 'warn' as const, cutFrom: 2_000_000, fields: '{"user.id":7}', message: '"\n\u2028' }
    const stream = { ...streamOf('web'), tag: 'docker.web' }
    const text = json({ ...recordOf(stream, { ...fields, time: 1n }), received: 1_795_228_691_386_458_421n }, 'CUR')
    expect(text).not.toContain('\n')
    expect(JSON.parse(text)).toEqual({
      '@timestamp': '1970-01-01T00:00:00.000000001Z',
      message: '"\n\u2028',
      'log.level': 'warn',
      'log.iostream': 'stdout',
      'event.received': '2026-11-21T02:38:11.386458421Z',
      'service.name': 'shop_web',
      'host.name': 'worker-1',
      'host.id': 'node1',
      'container.id': 'container-web',
      'container.name': 'shop_web.1.task-web',
      'container.image.name': 'nginx:1@sha256:0',
      'docker.swarm.cluster.id': 'cluster1',
      'docker.swarm.stack.name': 'shop',
      'docker.swarm.service.id': 'service-web',
      'docker.swarm.task.id': 'task-web',
      'docker.swarm.task.name': 'shop_web.1.task-web',
      'docker.swarm.task.slot': 1,
      tag: 'docker.web',
      fields: { 'user.id': 7 },
      truncated_from: 2_000_000,
      cursor: 'CUR',
    })
  })

  it('leaves out what is empty', () => {
    const bare = {
      cluster: '',
      nodeId: '',
      nodeName: '',
      stack: '',
      service: '',
      serviceId: '',
      taskId: '',
      taskName: '',
    }
    const stream = { ...streamOf('x'), ...bare, slot: 0, containerId: '', containerName: '', image: '' }
    const record = JSON.parse(json({ ...recordOf(stream), received: NOON }, 'CUR'))
    expect(Object.keys(record)).toEqual(['@timestamp', 'message', 'log.iostream', 'event.received', 'cursor'])
  })

  it("tells the Swarm of a worker's stream once it is known", () => {
    const record = { ...recordOf({ ...streamOf('web'), cluster: '' }), received: NOON }
    expect(JSON.parse(json(record, 'CUR'))).not.toHaveProperty(['docker.swarm.cluster.id'])
    expect(JSON.parse(json(record, 'CUR', () => 'cluster1'))).toHaveProperty(['docker.swarm.cluster.id'], 'cluster1')
  })
})
