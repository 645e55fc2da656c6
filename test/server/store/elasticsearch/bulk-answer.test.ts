import { describe, expect, it } from 'vitest'
import { type Answer, type Open, type Outcome, settle } from '../../../../server/store/elasticsearch/bulk-answer.ts'

const item = (status: number, type = '', reason = '') => ({ create: { status, error: { type, reason } } })
const WRITTEN = { create: { status: 201 } }
const EXISTS = item(409, 'version_conflict_engine_exception')
const BUSY = item(429, 'es_rejected_execution_exception', 'queue is full')

/** What an answer means for so many operations, of which those named may have been written before. */
function settled(items: Answer['items'], count = items?.length ?? 0, uncertain: readonly number[] = []) {
  const open = Array.from({ length: count }, (_, place): Open => {
    const operation = { action: 'create', index: 'i', id: `${place}`, size: 1, write: () => {} } as const
    return { operation, place, isUncertain: uncertain.includes(place) }
  })
  const outcomes: Outcome[] = []
  const doubtful: Open[] = []
  const { left, problem } = settle(items === undefined ? {} : { items }, open, outcomes, doubtful)
  const places = (all: readonly Open[]): number[] => all.map(({ place }) => place)
  const unsure = places(left.filter(({ isUncertain }) => isUncertain))
  return { left: places(left), unsure, outcomes, doubtful: places(doubtful), problem }
}

describe('the answer to a bulk request', () => {
  it('has those tried again alone that were not taken', () => {
    const found = settled([WRITTEN, BUSY, EXISTS, BUSY, WRITTEN])
    expect(found).toMatchObject({ left: [1, 3], unsure: [], problem: { isBusy: true } })
    expect([found.outcomes[0], found.outcomes[2], found.outcomes[4]]).toEqual(['written', 'exists', 'written'])
    expect(Object.keys(found.outcomes)).toEqual(['0', '2', '4'])
  })

  it.each([
    [503, 'unavailable_shards_exception'],
    [500, ''],
    [429, 'cluster_block_exception'],
    [409, 'something else'],
    [400, 'validation_exception'],
    [400, 'index_closed_exception'],
  ])('tries again later what got %d %s, and is not sure that it was not written', (status, type) => {
    expect(settled([WRITTEN, item(status, type)])).toMatchObject({ left: [1], unsure: [1], problem: { isBusy: false } })
  })

  it('says of what will never be taken why', () => {
    const error = { type: 'document_parsing_exception', reason: 'failed to parse', caused_by: { reason: 'a date' } }
    const { left, outcomes } = settled([{ create: { status: 400, error } }, WRITTEN])
    expect(left).toEqual([])
    expect(outcomes).toEqual([{ refused: 'document_parsing_exception: failed to parse: a date' }, 'written'])
  })

  it('asks who wrote what was there after a try whose answer was lost', () => {
    expect(settled([EXISTS, EXISTS], 2, [1])).toMatchObject({ left: [], doubtful: [1] })
  })

  it.each([
    ['nothing', undefined],
    ['fewer items', [WRITTEN]],
    ['more items', [WRITTEN, WRITTEN, WRITTEN]],
  ])('that has %s is not Elasticsearch’s: all is tried again', (_, items) => {
    expect(settled(items, 2)).toMatchObject({ left: [0, 1], unsure: [0, 1], outcomes: [] })
  })

  it('tells of an index that is gone', () => {
    expect(settled([item(404, 'index_not_found_exception')]).problem).toMatchObject({ isMissing: true })
  })
})
