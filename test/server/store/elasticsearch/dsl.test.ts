import { expect, it } from 'vitest'
import { wideClauses } from '../../../../server/store/elasticsearch/dsl.ts'
import { Streams } from '../../../../server/store/elasticsearch/streams.ts'
import { streamOf } from '../records.ts'

const streams = new Streams()
const [web1, web2, db] = ['web.1', 'web.2', 'db'].map((name) =>
  streams.intern(streamOf(name, { service: name.split('.')[0] ?? '' })),
)
const bare = streams.intern(streamOf('', { service: '' }))
const long = ['a', 'b'].map((name) => streams.intern(streamOf(name, { service: 'x'.repeat(1025) })))
const known = [...streams.entries()]

it.each([
  ['all are chosen', known, []],
  ['all of a service are', [web1, web2], [{ terms: { 'service.name': ['web'] } }]],
  ['all of some services are', [web1, web2, db], [{ terms: { 'service.name': ['web', 'db'] } }]],
  ['some of a service are', [web1, db], undefined],
  ['the ids are as few as the names', [db], undefined],
  ['one is of no service', [web1, web2, bare], undefined],
  ['the name of the service is not in the index', long, undefined],
])('asks by as little as tells the chosen streams when %s', (_, chosen, expected) => {
  expect(
    wideClauses(
      chosen.filter((one) => one !== undefined),
      known,
    ),
  ).toEqual(expected)
})
