import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isLoopback, serverConfig } from '../../server/config.ts'

describe('serverConfig', () => {
  let dir: string
  let file: string
  let key: string
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'swarmlogs-config-'))
    file = join(dir, 'secrets')
    writeFileSync(file, 'one\ntwo\n')
    key = join(dir, 'key')
    writeFileSync(key, 'abc=\n')
  })
  afterAll(() => rmSync(dir, { recursive: true }))

  it('has defaults for one machine', () => {
    expect(serverConfig({ data: '/d' }, {})).toEqual({
      dir: '/d',
      http: { host: '127.0.0.1', port: 4280 },
      forward: { host: '127.0.0.1', port: 24224 },
      tokens: { kind: 'none' },
      sharedKeys: { kind: 'none' },
      isInsecure: false,
      retentionMs: 30 * 86_400_000,
      queryMs: 30_000,
      archive: { afterMs: 2 * 86_400_000 },
    })
    expect(serverConfig({}, { HOME: '/root' }).dir).toMatch(/swarmlogs$/)
  })

  it('takes rules for services, in their order', () => {
    const retentionRules = [
      { services: 'debug-*', ms: 2 * 86_400_000 },
      { services: 'a=b', ms: 3_600_000 },
    ]
    const flags = { retentionRule: ['debug-*=2d', 'a=b=1h'] }
    expect(serverConfig(flags, {})).toMatchObject({ retentionRules })
    expect(serverConfig({}, { SWARMLOGS_RETENTION_RULE: 'debug-*=2d, a=b=1h' })).toMatchObject({ retentionRules })
  })

  it('takes every setting from flags and from the environment', () => {
    const expected = {
      dir: '/d',
      http: { host: '0.0.0.0', port: 1 },
      forward: { host: '::', port: 65535 },
      tokens: { kind: 'file', path: file },
      sharedKeys: { kind: 'text', text: 'key' },
      isInsecure: true,
      tls: { certFile: '/c', keyFile: '/k' },
      retentionMs: 7 * 86_400_000,
      queryMs: 90_000,
      maxBytes: 5 * 2 ** 30,
      segmentBytes: 2 ** 20,
      memoryBytes: 2 ** 27,
      archive: { dir: '/a', afterMs: 86_400_000, maxBytes: 2 ** 30 },
    }
    const values = {
      ...{ data: '/d', listen: '0.0.0.0:1', forward: '[::]:65535', tokenFile: file, sharedKey: 'key', insecure: true },
      ...{ tlsCert: '/c', tlsKey: '/k', retention: '1w', maxSize: '5GiB', segmentSize: '1MiB', memory: '128MiB' },
      ...{ queryTimeout: '90s', archiveDir: '/a', archiveAfter: '1d', archiveMaxSize: '1GiB' },
    }
    expect(serverConfig(values, {})).toEqual(expected)
    const env = Object.entries(values).map(([name, value]) => [
      `SWARMLOGS_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`,
      String(value),
    ])
    expect(serverConfig({}, Object.fromEntries(env))).toEqual(expected)
  })

  it.each<[Record<string, string>, RegExp]>([
    [{ queryTimeout: '0s' }, /--query-timeout \(SWARMLOGS_QUERY_TIMEOUT\): give how long/],
    [{ listen: '4280' }, /--listen \(SWARMLOGS_LISTEN\): give HOST:PORT/],
    [{ listen: ':4280' }, /give HOST:PORT/],
    [{ forward: 'localhost:65536' }, /--forward/],
    [{ forward: '::1:24224' }, /--forward/],
    [{ retention: 'long' }, /cannot read the duration 'long'.*SWARMLOGS_RETENTION/],
    [{ retentionRule: 'web' }, /cannot read the duration 'web'.*SWARMLOGS_RETENTION_RULE/],
    [{ retentionRule: '=2d' }, /give SERVICE=DURATION/],
    [{ retentionRule: 'web=0' }, /give SERVICE=DURATION/],
    [{ retentionRule: Array.from({ length: 101 }, () => 'a=1d').join() }, /give at most 100/],
    [{ retention: '0' }, /give how long lines are kept/],
    [{ maxSize: 'big' }, /cannot read the size 'big'.*--max-size/],
    [{ memory: '0' }, /give a size/],
    [{ tlsCert: '/c' }, /give both/],
    [{ tokenFile: '/nope' }, /--token-file/],
    [{ insecure: 'perhaps' }, /true or false/],
    [
      { listen: '0.0.0.0:4280' },
      /HTTP on 0\.0\.0\.0:4280, which others can reach, without a token: --token-file or SWARMLOGS_TOKEN_FILE/,
    ],
    [
      { forward: '10.0.0.1:24224' },
      /agents on 10\.0\.0\.1:24224.*--shared-key-file or SWARMLOGS_SHARED_KEY_FILE; or give --insecure/,
    ],
  ])('refuses %o', (flags, message) => {
    expect(() => serverConfig(flags, {})).toThrow(message)
  })

  it('listens beyond this machine with secrets, or when told to', () => {
    const open = { listen: '0.0.0.0:1', forward: '0.0.0.0:2' }
    expect(serverConfig({ ...open, tokenFile: file, sharedKeyFile: file }, {}).isInsecure).toBe(false)
    expect(serverConfig({ ...open, insecure: true }, {}).isInsecure).toBe(true)
    expect(() => serverConfig({ ...open, tokenFile: file }, {})).toThrow(/shared key/)
  })

  it('takes the settings of Elasticsearch from flags and from the environment', () => {
    const expected = {
      urls: ['https://es1:9200', 'https://es2:9200/path'],
      auth: { apiKey: 'abc=' },
      caFile: '/ca.pem',
      prefix: 'lab',
      shards: 3,
      replicas: 0,
      refreshMs: 5000,
    }
    const flags = { elasticsearchCa: '/ca.pem', elasticsearchPrefix: 'lab', elasticsearchShards: '3' }
    const urls = 'https://es1:9200, https://es2:9200/path'
    const more = { elasticsearchReplicas: '0', elasticsearchRefresh: '5s', elasticsearchApiKey: 'abc=' }
    expect(serverConfig({ store: 'elasticsearch', elasticsearch: urls, ...flags, ...more }, {}).elasticsearch).toEqual(
      expected,
    )
    const env = {
      ...{
        SWARMLOGS_ELASTICSEARCH: urls,
        SWARMLOGS_ELASTICSEARCH_CA: '/ca.pem',
        SWARMLOGS_ELASTICSEARCH_PREFIX: 'lab',
      },
      ...{ SWARMLOGS_ELASTICSEARCH_SHARDS: '3', SWARMLOGS_ELASTICSEARCH_REPLICAS: '0' },
      ...{ SWARMLOGS_ELASTICSEARCH_REFRESH: '5s', SWARMLOGS_ELASTICSEARCH_API_KEY_FILE: key },
    }
    expect(serverConfig({}, env).elasticsearch).toEqual(expected)
  })

  it('takes the names of peers', () => {
    const peers = [
      { host: 'tasks.server', port: 4280 },
      { host: '::1', port: 1 },
    ]
    const flags = { elasticsearch: 'http://a:9200', peers: ['tasks.server:4280', '[::1]:1'] }
    expect(serverConfig(flags, {}).peers).toEqual(peers)
  })

  it('has its archive on S3, when that is wished', () => {
    const { archive, elasticsearch } = serverConfig(
      { elasticsearch: 'http://a:9200', archiveS3: 's3://logs/swarm' },
      {},
    )
    expect(elasticsearch).toEqual({ urls: ['http://a:9200'] })
    expect(archive.s3).toMatchObject({ bucket: 'logs', prefix: 'swarm' })
  })

  it('signs in with a user and the password of a file, or not at all', () => {
    const elasticsearch = 'http://127.0.0.1:9200'
    expect(serverConfig({ elasticsearch }, {}).elasticsearch).toEqual({ urls: [elasticsearch] })
    const user = { elasticsearch, elasticsearchUser: 'me', elasticsearchPasswordFile: key }
    expect(serverConfig(user, {}).elasticsearch?.auth).toEqual({ username: 'me', password: 'abc=' })
    expect(serverConfig({ store: 'embedded' }, {}).elasticsearch).toBeUndefined()
  })

  it.each<[Record<string, string>, RegExp]>([
    [
      { elasticsearch: 'http://a', peers: 'tasks.server:4280', archiveDir: '/a' },
      /--archive-dir \(SWARMLOGS_ARCHIVE_DIR\) with --peers/,
    ],
    [
      { elasticsearch: 'http://a', peers: 'tasks.server:4280', archiveS3: 's3://logs' },
      /--archive-s3 \(SWARMLOGS_ARCHIVE_S3\) with --peers/,
    ],
    [{ peers: 'tasks.server:4280' }, /--peers \(SWARMLOGS_PEERS\) with the embedded store/],
    [
      { elasticsearch: 'http://a', peers: 'tasks.server' },
      /'tasks.server' for --peers \(SWARMLOGS_PEERS\): give HOST:PORT/,
    ],
    [{ store: 'mysql' }, /'mysql' for --store \(SWARMLOGS_STORE\): give embedded or elasticsearch/],
    [{ store: 'elasticsearch' }, /without --elasticsearch \(SWARMLOGS_ELASTICSEARCH\)/],
    [{ store: 'embedded', elasticsearch: 'http://a' }, /with --store embedded/],
    [{ elasticsearch: 'es1:9200' }, /'es1:9200' for --elasticsearch/],
    [{ elasticsearch: 'http://a,nothing' }, /'nothing' for --elasticsearch/],
    [{ elasticsearch: 'http://me:secret@a' }, /^(?!.*secret).*give --elasticsearch-user/],
    [{ elasticsearch: 'http://a', elasticsearchUser: 'me' }, /--elasticsearch-password-file .*: give both/],
    [{ elasticsearch: 'http://a', elasticsearchPassword: 'x' }, /--elasticsearch-user .*: give both/],
    [{ elasticsearch: 'http://a', elasticsearchUser: 'me', elasticsearchApiKey: 'x' }, /give only one/],
    [{ elasticsearch: 'http://a', elasticsearchApiKeyFile: '/nope' }, /--elasticsearch-api-key-file/],
    [{ elasticsearch: 'http://a', elasticsearchShards: '0' }, /--elasticsearch-shards .*from 1 to 1024/],
    [{ elasticsearch: 'http://a', elasticsearchReplicas: '-1' }, /--elasticsearch-replicas .*from 0/],
    [{ elasticsearch: 'http://a', elasticsearchRefresh: '1ms' }, /--elasticsearch-refresh .*from 100ms/],
    [{ elasticsearch: 'http://a', elasticsearchRefresh: 'soon' }, /'soon'.*SWARMLOGS_ELASTICSEARCH_REFRESH/],
    [{ elasticsearch: 'http://a', elasticsearchPrefix: 'Logs' }, /'Logs' for --elasticsearch-prefix/],
  ])('refuses %o', (flags, message) => {
    expect(() => serverConfig(flags, {})).toThrow(message)
  })

  it.each<[string, boolean]>([
    ['localhost', true],
    ['127.0.0.1', true],
    ['127.1.2.3', true],
    ['::1', true],
    ['0.0.0.0', false],
    ['::', false],
    ['127.0.0.1.evil.example', false],
    ['server', false],
  ])('knows whether only this machine can reach %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected)
  })
})
