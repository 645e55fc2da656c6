import { type Environment, environmentName, type Flags, setting } from '../../shared/settings.ts'
import { parseDuration } from '../../shared/time.ts'
import { type ArchiveS3Config, archiveS3Config } from './archive-s3.ts'
import { conflict, ofSetting, size } from './values.ts'

/** When days are archived, and where. */
export interface ArchiveConfig {
  /** By default a folder in the store's own. */
  readonly dir?: string
  /** A day is archived so long after its end; undefined: none is, and those that are go on being read. */
  readonly afterMs?: number
  /** Of what is archived alone; by default that counts with all else. */
  readonly maxBytes?: number
  /** Each archived day is kept there, too; `dir` is a cache of it then. */
  readonly s3?: ArchiveS3Config
  /** How large the cache may be, but for manifests and indices of words; by default all that is archived stays in it. */
  readonly cacheBytes?: number
}

/** Reads `--archive-after` and what belongs to it. @param hasPeers whether other servers answer for the same store. */
export function archiveConfig(flags: Flags, env: Environment, hasPeers = false): ArchiveConfig {
  const dir = setting(flags, env, 'archive-dir')
  if (hasPeers) refuseWithPeers(flags, env)
  const after = setting(flags, env, 'archive-after') ?? '2d'
  const s3 = archiveS3Config(flags, env)
  const cache = size(flags, env, 'archive-cache', 'cacheBytes')
  if (s3 === undefined && cache.cacheBytes !== undefined)
    throw conflict(
      'cannot use --archive-cache without --archive-s3 (SWARMLOGS_ARCHIVE_S3): give it, such as s3://BUCKET/PREFIX',
    )
  return Object.freeze({
    ...(dir !== undefined && { dir }),
    ...(after !== 'never' && {
      afterMs: Number(ofSetting('archive-after', () => parseDuration(after)) / 1_000_000n),
    }),
    ...size(flags, env, 'archive-max-size', 'maxBytes'),
    ...(s3 !== undefined && { s3 }),
    ...cache,
  })
}

function refuseWithPeers(flags: Flags, env: Environment): void {
  const name = ['archive-dir', 'archive-s3'].find((one) => setting(flags, env, one) !== undefined)
  if (name === undefined) return
  throw conflict(
    `cannot use --${name} (${environmentName(name)}) with --peers: the others could not read the days that one server has archived`,
  )
}
