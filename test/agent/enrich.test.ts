import { describe, expect, it } from 'vitest'
import { imageWithDigest, logStream, parseAttributes, serviceName } from '../../agent/enrich.ts'
import { isReadable, logFileBytes, sendsTo } from '../../agent/target.ts'
import { targetOf } from './targets.ts'

const SERVICE_ID = 'x2n5xq3wn3jj5vqbmt0yzg1bq'
const TASK_ID = 'lfap0icnqswi4ubp7z8mvqr5c'

const task = (name: string, slot: string, more: Record<string, string> = {}) =>
  targetOf({
    labels: {
      'com.docker.swarm.service.name': name,
      'com.docker.swarm.service.id': SERVICE_ID,
      'com.docker.swarm.task.id': TASK_ID,
      'com.docker.swarm.task.name': `${name}.${slot}.${TASK_ID}`,
      'com.docker.swarm.node.id': 'nodeid',
      ...more,
    },
  })

const labelling = {
  node: { id: 'me', name: 'node1', cluster: 'swarm' },
  image: 'lab/app:1@sha256:2',
  attributes: { tag: 'T' },
}

describe('logStream', () => {
  it('takes a task apart', () => {
    expect(logStream(task('shop_web', '6', { 'com.docker.stack.namespace': 'shop' }), labelling)).toEqual({
      cluster: 'swarm',
      nodeId: 'nodeid',
      nodeName: 'node1',
      stack: 'shop',
      service: 'shop_web',
      serviceId: SERVICE_ID,
      taskId: TASK_ID,
      taskName: `shop_web.6.${TASK_ID}`,
      slot: 6,
      containerId: 'c0ffee',
      containerName: 'app',
      image: 'lab/app:1@sha256:2',
      attributes: { tag: 'T' },
      tag: '',
    })
  })

  it('takes along how events begin, unless the log driver keeps that', () => {
    const label = { 'swarmlogs.multiline': '^\\d' }
    expect(logStream(task('web', '1', label), labelling).multiline).toBe('^\\d')
    expect(logStream(targetOf({ labels: label }), labelling).multiline).toBe('^\\d')
    const kept = logStream(task('web', '1', label), { ...labelling, attributes: label })
    expect(kept).not.toHaveProperty('multiline')
    const long = { 'swarmlogs.multiline': 'x'.repeat(4097) }
    expect(logStream(targetOf({ labels: long }), labelling)).not.toHaveProperty('multiline')
  })

  it('takes along how long lines are kept, unless the log driver keeps that', () => {
    const label = { 'swarmlogs.retention': '7d' }
    expect(logStream(task('web', '1', label), labelling).retention).toBe('7d')
    expect(logStream(task('web', '1', label), { ...labelling, attributes: label })).not.toHaveProperty('retention')
    const long = { 'swarmlogs.retention': '7'.repeat(65) }
    expect(logStream(targetOf({ labels: long }), labelling)).not.toHaveProperty('retention')
  })

  it.each([
    ['a global task', 'glob', 'x2n5xq3wn3jj5vqbmt0yzg1bq', 0],
    ['a name with dots', 'web.v1.2', '12', 12],
    ['a name that ends like a slot', 'web.3', '4', 4],
    ['a global task whose node id is digits first', 'glob', '1abc', 0],
  ])('finds the slot of %s', (_, name, place, slot) => {
    expect(logStream(task(name, place), labelling)).toMatchObject({ service: name, slot })
  })

  it.each([
    ['a task name that does not fit', { 'com.docker.swarm.task.name': 'other.1.abc' }],
    ['no task id', { 'com.docker.swarm.task.id': '' }],
    ['a service id that is none', { 'com.docker.swarm.service.id': 'mine' }],
  ])('does not believe Swarm labels with %s', (_, labels) => {
    const stream = logStream(task('web', '1', labels), labelling)
    expect(stream).toMatchObject({ service: 'app', serviceId: '', taskId: '', taskName: '', slot: 0, nodeId: 'me' })
  })

  it('takes project and service of compose, else the name', () => {
    const labels = { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': 'web' }
    expect(logStream(targetOf({ labels }), labelling)).toMatchObject({ stack: 'shop', service: 'web', nodeId: 'me' })
    expect(logStream(targetOf(), labelling)).toMatchObject({ stack: '', service: 'app' })
    expect(serviceName(targetOf({ labels }))).toBe('web')
  })
})

it.each([
  ['app:1', ['app@sha256:a'], 'app:1@sha256:a'],
  ['host:5000/app', ['other@sha256:b', 'host:5000/app@sha256:a'], 'host:5000/app@sha256:a'],
  ['app:1@sha256:c', ['app@sha256:a'], 'app:1@sha256:c'],
  ['app:1', [], 'app:1'],
])('imageWithDigest of %s and %j is %s', (image, digests, expected) => {
  expect(imageWithDigest(image, digests)).toBe(expected)
})

it.each([
  ['FOO=a%2Cb%3Dc+d,app=x,tag=T opt=1 x\n', { FOO: 'a,b=c d', app: 'x', tag: 'T' }],
  [' a=b\n', {}],
  ['', {}],
])('parseAttributes of %j', (line, expected) => {
  expect(parseAttributes(line)).toEqual(expected)
})

it('parseAttributes keeps 256, with names of 512 and values of 4096 characters', () => {
  const long = `${'n'.repeat(600)}=${'v'.repeat(5000)}`
  const attributes = parseAttributes(
    `${long},${Array.from({ length: 300 }, (_, index) => `a${index}=x`).join(',')} text`,
  )
  expect(Object.keys(attributes)).toHaveLength(256)
  expect(attributes['n'.repeat(512)]).toBe('v'.repeat(4096))
})

it.each([
  ['json-file', {}, true, undefined],
  ['json-file', { 'max-size': '-1' }, true, undefined],
  ['json-file', { 'max-size': '10k' }, true, 10_240],
  ['local', { 'max-size': '1.5MB' }, true, 1_572_864],
  ['local', {}, true, 20_971_520],
  ['journald', { 'cache-disabled': 'true' }, true, 20_971_520],
  ['syslog', { 'cache-max-size': '1m' }, true, 1_048_576],
  ['syslog', { 'cache-disabled': 'true' }, false, 20_971_520],
  ['none', {}, false, 20_971_520],
])('driver %s with %j: readable %s, rotated at %s bytes', (driver, driverOptions, readable, bytes) => {
  const one = targetOf({ driver, driverOptions: driverOptions as Record<string, string> })
  expect([isReadable(one), logFileBytes(one)]).toEqual([readable, bytes])
})

it.each([
  [undefined, ['127.0.0.1:24224'], true],
  ['tcp://LOCALHOST:24224', ['127.0.0.1:24224'], true],
  ['tls://logs.example:24224', ['logs.example'], true],
  ['[::1]:24224', ['localhost:24224'], true],
  ['0.0.0.0', ['127.0.0.1:24224'], true],
  ['logs.example:24225', ['logs.example:24224'], false],
  ['unix:///run/fluent.sock', ['localhost:24224'], false],
])('a fluentd driver that sends to %s is known by %j: %s', (address, own, expected) => {
  const driverOptions: Record<string, string> = address === undefined ? {} : { 'fluentd-address': address }
  expect(sendsTo(targetOf({ driver: 'fluentd', driverOptions }), own)).toBe(expected)
})
