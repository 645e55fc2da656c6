import { describe, expect, it } from 'vitest'
import { type Answer, type Outcomes, settle } from '../../../../server/store/elasticsearch/bulk-answer.ts'

const item = (status: number, type = '', reason = '') => ({ create: { status, error: { type, reason } } })
const WRITTEN = { create: { status: 201 } }
const EXISTS = item(409, 'version_conflict_engine_exception')
const BUSY = item(429, 'es_rejected_execution_exception', 'queue is full')

/** What an answer means for so many documents, of which those named may have been written before; a document is its place here. */
function settled(items: Answer['items'], count = items?.length ?? 0, before: readonly number[] = []) {
  const open = Array.from({ length: count }, (_, place) => place)
  const outcomes: Outcomes<number> = new Map()
  const uncertain = new Set(before)
  const { left, doubtful, problem } = settle(items === undefined ? {} : { items }, open, { outcomes, uncertain })
  const unsure = left.filter((one) => uncertain.has(one))
  return { left, unsure, outcomes: Object.fromEntries(outcomes), doubtful, problem }
}

describe('the answer to a bulk request', () => {
  it('has those tried again alone that were not taken', () => {
    const found = settled([WRITTEN, BUSY, EXISTS, BUSY, WRITTEN])
    expect(found).toMatchObject({ left: [1, 3], unsure: [], problem: { isBusy: true } })
    expect(found.outcomes).toEqual({ 2: 'exists' })
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
    expect(outcomes).toEqual({ 0: { refused: 'document_parsing_exception: failed to parse: a date' } })
  })

  it('asks who wrote what was there after a try whose answer was lost', () => {
    expect(settled([EXISTS, EXISTS], 2, [1])).toMatchObject({ left: [], doubtful: [1] })
  })

  it.each([
    ['nothing', undefined],
    ['fewer items', [WRITTEN]],
    ['more items', [WRITTEN, WRITTEN, WRITTEN]],
  ])('that has %s is not Elasticsearch’s: all is tried again', (_, items) => {
    expect(settled(items, 2)).toMatchObject({ left: [0, 1], unsure: [0, 1], outcomes: {} })
  })

  it('tells of an index that is gone', () => {
    expect(settled([item(404, 'index_not_found_exception')]).problem).toMatchObject({ isMissing: true })
  })
})
