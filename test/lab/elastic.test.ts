import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Elastic, startElastic } from './elastic.ts'
import { isAlive } from './processes.ts'

// One of the lab's own, whatever cluster the other tests are given: this one is killed.
const own = { settings: { 'thread_pool.write.queue_size': 500 } }

describe('an Elasticsearch of the lab', () => {
  let elastic: Elastic
  beforeAll(async () => {
    elastic = await startElastic(own)
  })
  afterAll(() => elastic?.stop())

  it('is of the release that is tested and keeps a document over SIGKILL and start', async () => {
    expect((await elastic.call('GET', '/_nodes?filter_path=nodes.*.version')).body).toContain('"version":"8.19.')
    expect(await elastic.call('PUT', '/some/_doc/1?refresh=true', { message: 'kept' })).toMatchObject({ status: 201 })
    const pid = elastic.pid(1)
    await elastic.kill(1)
    expect(isAlive(pid)).toBe(false)
    await expect(elastic.call('GET', '/_cat/nodes')).rejects.toThrow('cannot reach Elasticsearch')
    await elastic.start(1)
    await elastic.ready()
    expect((await elastic.call('GET', '/some/_doc/1')).body).toContain('"message":"kept"')
  })

  it('leaves no process behind', async () => {
    const pid = elastic.pid(1)
    await elastic.stop()
    expect(isAlive(pid)).toBe(false)
  })
})

describe('a secured cluster of the lab', () => {
  let elastic: Elastic
  beforeAll(async () => {
    elastic = await startElastic({ nodes: 2, secure: true })
  })
  afterAll(() => elastic?.stop())

  it('asks for a password over TLS and makes API keys', async () => {
    expect(elastic.urls).toEqual([expect.stringMatching(/^https:/), expect.stringMatching(/^https:/)])
    expect((await elastic.call('GET', '/_cat/nodes?h=name')).body.trim().split('\n').sort()).toEqual(['node1', 'node2'])
    expect(await elastic.call('POST', '/_security/api_key', { name: 'one' })).toMatchObject({ status: 200 })
    expect([1, 2]).toContain(await elastic.master())
  })
})
