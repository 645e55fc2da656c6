import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { archiveConfig } from '../../../server/config/archive.ts'
import { archiveS3Config } from '../../../server/config/archive-s3.ts'

describe('archiveS3Config', () => {
  it('is not there when nothing is given, and its parts need the place', () => {
    expect(archiveS3Config({}, { AWS_REGION: 'eu-west-1' })).toBeUndefined()
    expect(() => archiveS3Config({}, { SWARMLOGS_ARCHIVE_S3_SSE: 'AES256' })).toThrow(
      'cannot use --archive-s3-sse (SWARMLOGS_ARCHIVE_S3_SSE) without --archive-s3',
    )
  })

  it('takes every setting from flags and from the environment, keys from files', () => {
    const dir = mkdtempSync(join(tmpdir(), 'swarmlogs-config-'))
    onTestFinished(() => rmSync(dir, { recursive: true }))
    const file = (name: string) => {
      writeFileSync(join(dir, name), `${name}\n`)
      return join(dir, name)
    }
    const values = {
      ...{ archiveS3: 's3://logs/swarm/one/', archiveS3Endpoint: 'https://minio:9000', archiveS3Region: 'eu' },
      ...{ archiveS3PathStyle: true, archiveS3AccessKeyFile: file('access'), archiveS3SecretKeyFile: file('secret') },
      ...{ archiveS3Sse: 'aws:kms', archiveS3KmsKey: 'key', archiveS3Ca: '/ca.pem' },
    }
    const expected = {
      ...{ bucket: 'logs', prefix: 'swarm/one', endpoint: 'https://minio:9000', region: 'eu', isPathStyle: true },
      credentials: { accessKeyId: 'access', secretAccessKey: 'secret' },
      ...{ encryption: { kind: 'aws:kms', kmsKey: 'key' }, caFile: '/ca.pem' },
    }
    expect(archiveS3Config(values, {})).toEqual(expected)
    const names = Object.entries(values).map(([name, value]) => [
      `SWARMLOGS_${name.replace(/[A-Z]|(?<=S)3/g, (one) => (one === '3' ? one : `_${one}`)).toUpperCase()}`,
      String(value),
    ])
    expect(archiveS3Config({}, Object.fromEntries(names))).toEqual(expected)
  })

  it('leaves the region and the credentials to the AWS tools unless they are given', () => {
    const at = (env: Record<string, string>) => archiveS3Config({ archiveS3: 's3://logs' }, env)
    expect(at({})).toEqual({ bucket: 'logs', prefix: '', isPathStyle: false })
    expect(at({ AWS_DEFAULT_REGION: 'eu-west-1' })?.region).toBe('eu-west-1')
    // Other storage has no regions, but a signature names one.
    expect(at({ SWARMLOGS_ARCHIVE_S3_ENDPOINT: 'http://minio:9000' })?.region).toBe('us-east-1')
  })

  it.each([
    [{ archiveS3: 'logs/swarm' }, 'give s3://BUCKET or s3://BUCKET/PREFIX'],
    [{ archiveS3: 's3://logs/../other' }, 'give s3://BUCKET or s3://BUCKET/PREFIX'],
    [{ archiveS3: 's3://logs/a//b' }, 'give s3://BUCKET or s3://BUCKET/PREFIX'],
    [{ archiveS3: 's3://logs', archiveS3Endpoint: 'minio:9000' }, 'give the URL of the storage'],
    [{ archiveS3: 's3://logs', archiveS3Endpoint: 'http://a:b@minio' }, 'give the URL of the storage'],
    [{ archiveS3: 's3://logs', archiveS3AccessKey: 'key' }, 'give both'],
    [{ archiveS3: 's3://logs', archiveS3Sse: 'DES' }, 'give AES256 or aws:kms'],
    [{ archiveS3: 's3://logs', archiveS3Sse: 'AES256', archiveS3KmsKey: 'key' }, 'give --archive-s3-sse aws:kms'],
  ])('refuses %o', (flags, message) => {
    expect(() => archiveS3Config(flags, {})).toThrow(message)
  })

  it('takes a KMS key as the wish to use it', () => {
    expect(archiveS3Config({ archiveS3: 's3://logs', archiveS3KmsKey: 'key' }, {})?.encryption).toEqual({
      ...{ kind: 'aws:kms', kmsKey: 'key' },
    })
  })
})

describe('the cache of an archive on S3', () => {
  it('has a size, and needs the place that it is a cache of', () => {
    const config = archiveConfig({ archiveS3: 's3://logs', archiveCache: '1GiB' }, {})
    expect(config).toMatchObject({ cacheBytes: 2 ** 30, s3: { bucket: 'logs' } })
    expect(() => archiveConfig({ archiveCache: '1GiB' }, {})).toThrow('cannot use --archive-cache without --archive-s3')
  })
})
