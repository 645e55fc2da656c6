import { type ErrorCode, SwarmlogsError } from '../../../shared/errors.ts'
import type { ArchiveS3Config } from '../../config/archive-s3.ts'
import { codeOf, member, nameOf, statusOf } from './failure.ts'

interface Place {
  readonly name: string
  readonly config: ArchiveS3Config
}

type Remedy = readonly [code: ErrorCode, text: string]

/** The error of a call that failed for good: what was to be done, why it cannot be, and which setting may help. */
export function explain(cause: unknown, purpose: string, { name, config }: Place): SwarmlogsError {
  if (cause instanceof SwarmlogsError) return cause
  const [code, text] = ofNetwork(cause, config) ?? ofAnswer(cause, config) ?? ofRest(cause)
  return new SwarmlogsError(code, `cannot ${purpose} (${name}): ${text}`, { cause })
}

function ofNetwork(cause: unknown, { endpoint, region, isPathStyle }: ArchiveS3Config): Remedy | undefined {
  const code = codeOf(cause)
  const place = endpoint ?? `the storage of region ${region}`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    const style =
      isPathStyle || endpoint === undefined
        ? ''
        : ', or give --archive-s3-path-style when it has no host names for buckets'
    const remedy = endpoint === undefined ? 'check --archive-s3-region' : `check --archive-s3-endpoint${style}`
    return ['SWARMLOGS_STORE_UNAVAILABLE', `there is no host ${member(cause, 'hostname') ?? place}: ${remedy}`]
  }
  if (/^ERR_TLS|^ERR_SSL|CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/.test(code)) {
    const text = `the certificate of ${place} is not trusted (${code}): give its authority with --archive-s3-ca`
    return ['SWARMLOGS_STORE_UNAVAILABLE', text]
  }
  if (code === 'EPROTO')
    return ['SWARMLOGS_STORE_UNAVAILABLE', `${place} does not speak TLS: check --archive-s3-endpoint`]
  if (code === 'ECONNREFUSED')
    return ['SWARMLOGS_STORE_UNAVAILABLE', `nothing listens at ${place}: check --archive-s3-endpoint`]
  return undefined
}

const KEYS = '--archive-s3-access-key-file and --archive-s3-secret-key-file'

/** What answers of S3 mean, by their names. */
const ANSWERS: readonly (readonly [RegExp, ErrorCode, string])[] = [
  [/^NoSuchBucket$/, 'SWARMLOGS_CONFIG', 'there is no such bucket: create it, or check --archive-s3'],
  [/^InvalidBucketName$/, 'SWARMLOGS_CONFIG', 'a bucket cannot have this name: check --archive-s3'],
  [/^(NoSuchKey|NotFound)$/, 'SWARMLOGS_NOT_FOUND', 'it is not there'],
  [/^InvalidAccessKeyId$/, 'SWARMLOGS_UNAUTHORIZED', `the storage does not know this access key: check ${KEYS}`],
  [/^SignatureDoesNotMatch$/, 'SWARMLOGS_UNAUTHORIZED', `the secret key is wrong: check ${KEYS}`],
  [
    /^(ExpiredToken|InvalidToken|TokenRefreshRequired)/,
    'SWARMLOGS_UNAUTHORIZED',
    'the credentials have expired: renew them, or let the server use a role',
  ],
  [
    /^RequestTimeTooSkewed$/,
    'SWARMLOGS_UNAUTHORIZED',
    "this machine's clock and that of the storage differ by too much: set the clock (NTP)",
  ],
  [
    /^KMS|^Kms/,
    'SWARMLOGS_CONFIG',
    'the storage cannot use the KMS key: check --archive-s3-kms-key and the rights for it',
  ],
  [/^NotImplemented$/, 'SWARMLOGS_CONFIG', 'the storage does not support that: check --archive-s3-sse'],
  [
    /^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException|TemporaryRedirect)$/,
    'SWARMLOGS_CONFIG',
    'the bucket is in another region: check --archive-s3-region',
  ],
]

const RIGHTS =
  's3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload, s3:ListMultipartUploadParts, s3:ListBucket and s3:ListBucketMultipartUploads'

function ofAnswer(cause: unknown, { region }: ArchiveS3Config): Remedy | undefined {
  const name = nameOf(cause)
  const found = ANSWERS.find(([names]) => names.test(name))
  if (found?.[2].includes('region')) {
    const known = /'([a-z0-9-]+)'\s*$/.exec(String(member(cause, 'message') ?? ''))?.[1] ?? member(cause, 'Region')
    return [found[1], `${found[2]} (it is ${region}${known === undefined ? '' : `, not ${known}`})`]
  }
  if (found !== undefined) return [found[1], withMessage(found[2], cause)]
  if (name === 'CredentialsProviderError')
    return [
      'SWARMLOGS_UNAUTHORIZED',
      `no credentials were found: give ${KEYS}, the AWS_* variables, ~/.aws or a role of this machine`,
    ]
  if (/Region is missing/.test(String(member(cause, 'message'))))
    return ['SWARMLOGS_CONFIG', 'its region is not known: give --archive-s3-region']
  if (statusOf(cause) === 403 || statusOf(cause) === 401)
    return ['SWARMLOGS_UNAUTHORIZED', withMessage(`the credentials have no right for it: allow ${RIGHTS}`, cause)]
  if (statusOf(cause) === 404) return ['SWARMLOGS_NOT_FOUND', 'it is not there']
  return undefined
}

function ofRest(cause: unknown): Remedy {
  const status = statusOf(cause)
  const said = [status === 0 ? '' : `status ${status}`, nameOf(cause), String(member(cause, 'message') ?? '')]
  const text = said.filter((part) => part !== '' && part !== 'Error').join(', ')
  return ['SWARMLOGS_STORE_UNAVAILABLE', `${text}: try again later, and see the log of the storage`]
}

function withMessage(text: string, cause: unknown): string {
  const said = String(member(cause, 'message') ?? '')
  return said === '' || said === 'UnknownError' ? text : `${text} (${said})`
}
