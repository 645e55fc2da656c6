import { expect, it } from 'vitest'
import { explain } from '../../../../server/archive/s3/errors.ts'
import { Patience } from '../../../../server/archive/s3/patience.ts'

const amazon = { bucket: 'logs', prefix: '', region: 'eu-west-1', isPathStyle: false }
const other = { ...amazon, endpoint: 'https://minio:9000' }

const answer = (httpStatusCode: number, name: string, message = '') =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode } })
const network = (code: string, more = {}) => Object.assign(new Error(code), { code, ...more })

it.each([
  [amazon, network('ENOTFOUND', { hostname: 'logs.s3' }), 'there is no host logs.s3: check --archive-s3-region', false],
  [other, network('ENOTFOUND', { hostname: 'logs.minio' }), 'or give --archive-s3-path-style', false],
  [other, network('EAI_AGAIN'), 'there is no host https://minio:9000: check --archive-s3-endpoint', true],
  [other, network('ECONNREFUSED'), 'nothing listens at https://minio:9000: check --archive-s3-endpoint', true],
  [other, network('DEPTH_ZERO_SELF_SIGNED_CERT'), 'give its authority with --archive-s3-ca', false],
  [other, network('ERR_TLS_CERT_ALTNAME_INVALID'), 'give its authority with --archive-s3-ca', false],
  [other, network('EPROTO'), 'does not speak TLS: check --archive-s3-endpoint', false],
  [other, network('ECONNRESET'), 'ECONNRESET: try again later', true],
  [amazon, answer(404, 'NoSuchBucket'), 'there is no such bucket: create it, or check --archive-s3', false],
  [amazon, answer(403, 'AccessDenied', 'not you'), 'allow s3:GetObject, s3:PutObject', false],
  [amazon, answer(403, 'InvalidAccessKeyId'), 'check --archive-s3-access-key-file', false],
  [amazon, answer(400, 'ExpiredToken'), 'the credentials have expired', false],
  [amazon, answer(403, 'RequestTimeTooSkewed'), 'set the clock (NTP)', true],
  [
    amazon,
    answer(400, 'AuthorizationHeaderMalformed', "the region 'eu-west-1' is wrong; expecting 'eu-central-1'"),
    'the bucket is in another region: check --archive-s3-region (it is eu-west-1, not eu-central-1)',
    false,
  ],
  [amazon, answer(301, 'PermanentRedirect'), 'check --archive-s3-region (it is eu-west-1)', false],
  [amazon, answer(400, 'KMS.DisabledException'), 'check --archive-s3-kms-key', false],
  [amazon, answer(501, 'NotImplemented'), 'check --archive-s3-sse', false],
  [amazon, new Error('Region is missing'), 'give --archive-s3-region', false],
  [
    amazon,
    answer(503, 'SlowDown', 'reduce your rate'),
    'status 503, SlowDown, reduce your rate: try again later',
    true,
  ],
  [amazon, answer(500, 'InternalError'), 'status 500, InternalError: try again later', true],
])('explains %#: %o, %o', (config, cause, text, isTemporary) => {
  const error = explain(cause, 'put day/words', { name: 's3://logs', config })
  expect(error.message).toMatch(/^cannot put day\/words \(s3:\/\/logs\): /)
  expect(error.message).toContain(text)
  expect(error.cause).toBe(cause)
  expect(new Patience().mayHelp(cause)).toBe(isTemporary)
})

it('is patient nine times, and anew when something moved', () => {
  const patience = new Patience()
  const tries = () => Array.from({ length: 9 }, () => patience.mayHelp(network('ECONNRESET')))
  expect(tries()).toEqual([...Array(8).fill(true), false])
  patience.reset()
  expect(tries().at(0)).toBe(true)
})
