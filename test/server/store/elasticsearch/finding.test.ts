import { expect, it } from 'vitest'
import { find, type Running } from '../../../../server/store/elasticsearch/finding.ts'
import { allOf } from '../../../../server/store/elasticsearch/sieve.ts'
import { Streams } from '../../../../server/store/elasticsearch/streams.ts'
import { labelsOf } from '../../../../server/store/labels.ts'
import { ALL, streamOf } from '../records.ts'

it('takes of streams that become known with their lines those that are wanted', async () => {
  const labels = ['own', 'new', 'other'].map((name) =>
    labelsOf(streamOf(name, { stack: name === 'other' ? 'other' : 'shop' })),
  )
  const [own = '', ...later] = labels.map((text) => new Streams().ofLabels(text).id)
  const streams = new Streams()
  for (const text of labels.slice(0, 1)) streams.ofLabels(text)
  const hits = [own, ...later].map((id) => ({ _index: 'day', _id: id, _source: { 'swarmlogs.stream': id } }))
  const parts = {
    streams,
    notes: { readAll: async () => labels.slice(1) },
    requests: { send: async () => ({ hits: { hits } }) },
  }
  const running = {
    ...{ parts, filter: { ...ALL, stacks: ['shop'] }, indices: ['day'], hasOdd: false, outer: [], filters: [] },
    ...{ only: new Set([own]), sieve: allOf([]), signal: new AbortController().signal },
  }
  const found: string[] = []
  for await (const page of find(running as unknown as Running, { order: 'asc', filters: [], members: [], wanted: 10 }))
    found.push(...page.map(({ entry }) => entry.stream.containerId))
  expect(found).toEqual(['container-own', 'container-new'])
})
