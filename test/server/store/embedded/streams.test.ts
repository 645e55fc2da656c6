import { expect, it } from 'vitest'
import { groupOf, Streams } from '../../../../server/store/embedded/streams.ts'
import { labelsOf } from '../../../../server/store/labels.ts'
import { streamOf } from '../records.ts'

const attributes = { tier: 'front' }
const [one, two] = ['1', '2'].map((id) =>
  streamOf('web', { containerId: id, taskId: id, attributes: { ...attributes } }),
)
if (one === undefined || two === undefined) throw new Error('BUG: two streams were made')

it('keeps equal labels as one entry, as they were, and equal parts of others once', () => {
  const streams = new Streams()
  const entry = streams.intern(one)
  expect(streams.intern({ ...one })).toBe(entry)
  expect(streams.ofLabels(labelsOf(one))).toBe(entry)
  expect(entry.stream).toEqual(one)
  const other = streams.intern(two)
  expect(other.stream).toEqual(two)
  expect(other.stream.attributes).toBe(entry.stream.attributes)
  expect(streams.size).toBe(2)
})

it('calls a stream without a label for events as it was called before there was one', () => {
  const name =
    '{"cluster":"cluster1","nodeId":"node1","nodeName":"worker-1","stack":"shop","service":"shop_web","serviceId":"service-web","taskId":"1",' +
    '"taskName":"shop_web.1.task-web","slot":1,"containerId":"1","containerName":"shop_web.1.task-web","image":"nginx:1@sha256:0",' +
    '"attributes":{"tier":"front"},"tag":""}'
  expect(labelsOf(one)).toBe(name)
  expect(labelsOf({ ...one, multiline: '^x' })).toBe(`${name.slice(0, -1)},"multiline":"^x"}`)
  expect(labelsOf({ ...one, retention: '7d' })).toBe(`${name.slice(0, -1)},"retention":"7d"}`)
})

it('finds the streams of a container, and of a container on a node', () => {
  const streams = new Streams()
  const moved = { ...one, nodeId: 'node\u00002', image: 'other' }
  const entries = [one, { ...one, image: 'next' }, moved, two].map((stream) => streams.intern(stream))
  expect(streams.group(groupOf(one, false))).toEqual(entries.slice(0, 3))
  expect(streams.group(groupOf(one, true))).toEqual(entries.slice(0, 2))
  expect(streams.group(groupOf(moved, true))).toEqual(entries.slice(2, 3))
  expect(streams.group(groupOf(streamOf('nobody'), true))).toEqual([])
  const [, kept] = entries
  if (kept !== undefined) kept.records = 1
  streams.prune()
  expect([...streams.entries()]).toEqual([kept])
  expect(streams.group(groupOf(one, false))).toEqual([kept])
  expect(streams.group(groupOf(two, false))).toEqual([])
})
