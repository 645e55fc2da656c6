import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Names } from '../../../../server/store/elasticsearch/names.ts'
import { Notes } from '../../../../server/store/elasticsearch/notes.ts'
import { Requests } from '../../../../server/store/elasticsearch/requests.ts'

/** Documents as Elasticsearch keeps them, as far as notes need it. */
class Documents {
  readonly found = new Map<string, { source: { data: string }; seq: number }>()
  /** Is called before each write. */
  before: () => void = () => {}
  #seq = 0

  put(id: string, source: { data: string }): void {
    this.found.set(id, { source, seq: this.#seq++ })
  }

  answer(url: URL, body: { ids: string[] } & { data: string }): [status: number, body: object] {
    const [, , kind = '', id = ''] = url.pathname.split('/').map(decodeURIComponent)
    if (kind === '_mget') return [200, { docs: body.ids.map((one) => this.#document(one)) }]
    this.before()
    const version = url.searchParams.get('if_seq_no')
    const known = this.found.get(id)
    const isConflict = kind === '_create' ? known !== undefined : version !== null && version !== String(known?.seq)
    if (isConflict) return [409, { error: { type: 'version_conflict_engine_exception', reason: 'conflict' } }]
    this.put(id, body)
    return [200, {}]
  }

  #document(_id: string): object {
    const known = this.found.get(_id)
    return known === undefined
      ? { _id, found: false }
      : { _id, _source: known.source, _seq_no: known.seq, _primary_term: 1 }
  }
}

describe('a note that several servers change', () => {
  const ID = 'value:x'
  let documents: Documents
  let requests: Requests
  const server = createServer(async (request, response) => {
    const body = JSON.parse(await text(request))
    const [status, answer] = documents.answer(new URL(request.url ?? '', 'http://x'), body)
    response.writeHead(status, { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' })
    response.end(JSON.stringify(answer))
  })
  const change = (by: string) => new Notes(requests, new Names('t')).change('value', 'x', (was = '') => was + by)

  beforeEach(async () => {
    documents = new Documents()
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    requests = new Requests({ urls: [`http://127.0.0.1:${(server.address() as AddressInfo).port}`] })
  })
  afterEach(async () => {
    await requests.close()
    await new Promise((resolve) => void server.close(resolve))
  })

  it('loses nothing of what another one wrote between, be it the first', async () => {
    expect([await change('a'), await change('b')]).toEqual(['a', 'ab'])
    for (const [by, other] of [
      ['c', 'abX'],
      ['d', 'Y'],
    ] as const) {
      if (by === 'd') documents.found.clear()
      documents.before = () => {
        documents.before = () => {}
        documents.put(ID, { data: other })
      }
      expect(await change(by)).toBe(other + by)
      expect(documents.found.get(ID)?.source.data).toBe(other + by)
    }
  })

  it('is left alone where there is nothing to change, and given up where others never end', async () => {
    const notes = new Notes(requests, new Names('t'))
    expect(await notes.change('value', 'x', () => undefined)).toBeUndefined()
    expect(documents.found.size).toBe(0)
    documents.before = () => documents.put(ID, { data: 'other' })
    await expect(change('a')).rejects.toThrow(/other servers do all the time/)
  })
})
