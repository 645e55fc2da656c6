import { type Environment, type Flags, setting } from '../../shared/settings.ts'
import { parseDuration } from '../../shared/time.ts'
import { conflict, ofSetting, size } from './values.ts'

/** When days are archived, and where. */
export interface ArchiveConfig {
  /** By default a folder in the store's own. */
  readonly dir?: string
  /** A day is archived so long after its end; undefined: none is, and those that are go on being read. */
  readonly afterMs?: number
  /** Of what is archived alone; by default that counts with all else. */
  readonly maxBytes?: number
}

/** Reads `--archive-after` and what belongs to it. */
export function archiveConfig(flags: Flags, env: Environment, hasPeers = false): ArchiveConfig {
  const dir = setting(flags, env, 'archive-dir')
  if (dir !== undefined && hasPeers)
    throw conflict(
      'cannot use --archive-dir (SWARMLOGS_ARCHIVE_DIR) with --peers: the others could not read the days that one server has archived',
    )
  const after = setting(flags, env, 'archive-after') ?? '2d'
  return Object.freeze({
    ...(dir !== undefined && { dir }),
    ...(after !== 'never' && {
      afterMs: Number(ofSetting('archive-after', () => parseDuration(after)) / 1_000_000n),
    }),
    ...size(flags, env, 'archive-max-size', 'maxBytes'),
  })
}
