import { type Environment, environmentName, type Flags, setting, switchSetting } from '../../shared/settings.ts'
import { conflict, unusable } from './values.ts'

/** Where archived days are kept on S3-compatible storage, and how to get in. */
export interface ArchiveS3Config {
  readonly bucket: string
  /** What the keys begin with, without a slash at its end; '' for none. */
  readonly prefix: string
  /** Of storage that is not Amazon's. */
  readonly endpoint?: string
  /** Undefined when the shared config file of the AWS tools may tell it. */
  readonly region?: string
  /** https://HOST/BUCKET/KEY, not https://BUCKET.HOST/KEY. */
  readonly isPathStyle: boolean
  /** Else they are looked for as all AWS tools do: environment, files, web identity, container role, instance role. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** How the storage is to encrypt what we put there. */
  readonly encryption?: { readonly kind: 'AES256' | 'aws:kms'; readonly kmsKey?: string }
  /** PEM file of the authority that signed the endpoint's certificate. */
  readonly caFile?: string
}

/** Reads `--archive-s3` and what belongs to it; undefined when it is not given. */
export function archiveS3Config(flags: Flags, env: Environment): ArchiveS3Config | undefined {
  const place = setting(flags, env, 'archive-s3')
  if (place === undefined) return refuseRest(flags, env)
  const endpoint = setting(flags, env, 'archive-s3-endpoint')
  if (endpoint !== undefined) checkEndpoint(endpoint)
  // Storage other than Amazon's has no regions for the most part, but a signature names one.
  const region =
    setting(flags, env, 'archive-s3-region') ||
    env.AWS_REGION ||
    env.AWS_DEFAULT_REGION ||
    (endpoint === undefined ? undefined : 'us-east-1')
  const caFile = setting(flags, env, 'archive-s3-ca')
  return Object.freeze({
    ...placeOf(place),
    isPathStyle: switchSetting(flags, env, 'archive-s3-path-style'),
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    ...credentialsOf(flags, env),
    ...encryptionOf(flags, env),
    ...(caFile !== undefined && { caFile }),
  })
}

const REST = ['endpoint', 'region', 'path-style', 'access-key', 'secret-key', 'sse', 'kms-key', 'ca']

function refuseRest(flags: Flags, env: Environment): undefined {
  const lonely = REST.map((name) => `archive-s3-${name}`).find((name) => setting(flags, env, name) !== undefined)
  if (lonely === undefined) return undefined
  throw conflict(`cannot use ${named(lonely)} without ${named('archive-s3')}: give it, such as s3://BUCKET/PREFIX`)
}

function placeOf(text: string): Pick<ArchiveS3Config, 'bucket' | 'prefix'> {
  const found = /^s3:\/\/(?<bucket>[A-Za-z0-9][A-Za-z0-9._-]{1,254})(?:\/(?<prefix>[A-Za-z0-9._/=-]*))?$/.exec(
    text,
  )?.groups
  const prefix = (found?.prefix ?? '').replace(/\/$/, '')
  const isPlain = prefix === '' || !prefix.split('/').some((part) => /^\.{0,2}$/.test(part))
  if (found?.bucket !== undefined && isPlain && prefix.length <= 400) return { bucket: found.bucket, prefix }
  throw unusable('archive-s3', text, 'give s3://BUCKET or s3://BUCKET/PREFIX, the prefix of letters, digits and ._=/-')
}

function checkEndpoint(text: string): void {
  const url = URL.parse(text)
  if (url !== null && /^https?:$/.test(url.protocol) && url.search + url.hash + url.username + url.password === '')
    return
  throw unusable('archive-s3-endpoint', text, 'give the URL of the storage, such as https://minio.example:9000')
}

function credentialsOf(flags: Flags, env: Environment): Pick<ArchiveS3Config, 'credentials'> {
  const accessKeyId = setting(flags, env, 'archive-s3-access-key')
  const secretAccessKey = setting(flags, env, 'archive-s3-secret-key')
  if (accessKeyId === undefined && secretAccessKey === undefined) return {}
  if (accessKeyId !== undefined && secretAccessKey !== undefined)
    return { credentials: { accessKeyId, secretAccessKey } }
  throw conflict(
    'cannot use only one of --archive-s3-access-key-file and --archive-s3-secret-key-file (SWARMLOGS_ARCHIVE_S3_ACCESS_KEY_FILE, SWARMLOGS_ARCHIVE_S3_SECRET_KEY_FILE): give both',
  )
}

function encryptionOf(flags: Flags, env: Environment): Pick<ArchiveS3Config, 'encryption'> {
  const kmsKey = setting(flags, env, 'archive-s3-kms-key')
  const kind = setting(flags, env, 'archive-s3-sse') ?? (kmsKey === undefined ? undefined : 'aws:kms')
  if (kind === undefined) return {}
  if (kind !== 'AES256' && kind !== 'aws:kms') throw unusable('archive-s3-sse', kind, 'give AES256 or aws:kms')
  if (kind === 'AES256' && kmsKey !== undefined)
    throw conflict(
      `cannot use ${named('archive-s3-kms-key')} with --archive-s3-sse AES256: give --archive-s3-sse aws:kms`,
    )
  return { encryption: { kind, ...(kmsKey !== undefined && { kmsKey }) } }
}

function named(name: string): string {
  return `--${name} (${environmentName(name)})`
}
