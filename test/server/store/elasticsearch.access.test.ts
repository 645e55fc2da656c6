import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROLE } from '../../../scripts/elasticsearch-files.ts'
import { openElasticStore } from '../../../server/store/elasticsearch/store.ts'
import { type Elastic, startElastic } from '../../lab/elastic.ts'
import { collect, linesOf, WEB } from './records.ts'

const READ_ONLY = { cluster: ['monitor'], indices: [{ names: ['*'], privileges: ['read', 'view_index_metadata'] }] }

describe('the store in a secured cluster', () => {
  let elastic: Elastic
  beforeAll(async () => {
    elastic = await startElastic({ secure: true })
  })
  afterAll(() => elastic?.stop())

  const open = (auth: Parameters<typeof openElasticStore>[0]['auth'], caFile = elastic.caFile) =>
    openElasticStore({
      urls: elastic.urls,
      ...(auth && { auth }),
      ...(caFile !== undefined && { caFile }),
      retentionMs: 30 * 86_400_000,
      replicas: 0,
      log: pino({ level: 'silent' }),
    })
  const keyOf = async (role: object): Promise<{ apiKey: string }> => {
    const { body } = await elastic.call('POST', '/_security/api_key', {
      name: 'test',
      role_descriptors: { test: role },
    })
    return { apiKey: JSON.parse(body).encoded }
  }

  it('says what is wrong with credentials and certificates', async () => {
    const username = elastic.user ?? ''
    await expect(open({ username, password: 'wrong' })).rejects.toMatchObject({ code: 'SWARMLOGS_CONFIG' })
    await expect(open({ username, password: 'wrong' })).rejects.toThrow(/refuses the password of user/)
    await expect(open({ apiKey: Buffer.from('a:b').toString('base64') })).rejects.toThrow(/refuses the API key/)
    await expect(open(undefined)).rejects.toThrow(/asks for credentials/)
    await expect(open(await keyOf(ROLE), '/etc/ssl/certs/ca-certificates.crt')).rejects.toThrow(
      /certificate.*CA file by --elasticsearch-ca/,
    )
    await expect(open(await keyOf(ROLE), '/nowhere.pem')).rejects.toThrow(/cannot read the CA file/)
    await expect(open(await keyOf(READ_ONLY))).rejects.toThrow(/cannot write to Elasticsearch.*privileges/)
  })

  it('works with an API key of the least privileges', async () => {
    const auth = await keyOf(ROLE)
    for (const expected of [100, 0]) {
      const store = await open(auth)
      const appended = await store.append([...linesOf(WEB, 99), { ...(linesOf(WEB, 1)[0] ?? never()), time: 1n }])
      expect(appended.stored).toHaveLength(expected)
      expect(await collect(store)).toHaveLength(100)
      await store.save('name', 'value')
      expect(await store.load('name')).toBe('value')
      await store.close()
    }
  })
})

function never(): never {
  throw new Error('BUG: one line was asked for')
}
