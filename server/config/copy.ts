import { type Environment, type Flags, setting } from '../../shared/settings.ts'
import { type ArchiveConfig, archiveConfig } from './archive.ts'
import { type ElasticsearchConfig, elasticsearchConfig } from './elasticsearch.ts'
import { conflict } from './values.ts'

/** One of the two stores of a copy: a folder, or an Elasticsearch. */
export type CopySide = ({ readonly dir: string } | { readonly elasticsearch: ElasticsearchConfig }) & {
  /** Where its archive is, when that is not in its own folder; nothing is archived meanwhile. */
  readonly archive?: Pick<ArchiveConfig, 'dir' | 's3' | 'cacheBytes'>
}

/** What to copy where. */
export interface CopyConfig {
  readonly from: CopySide
  readonly to: CopySide
}

/** Reads --from, --archive-dir and --archive-s3, --to, and how to get into an Elasticsearch that either of them names. Throws SWARMLOGS_CONFIG or SWARMLOGS_USAGE. */
export function readCopyConfig(flags: Flags, env: Environment): CopyConfig {
  const side = (name: 'from' | 'to'): CopySide => {
    const text = setting(flags, env, name)
    if (text === undefined)
      throw conflict(`cannot copy without --${name}: give the folder of a store, or the URL of an Elasticsearch`)
    if (!/^https?:\/\//.test(text)) return { dir: text }
    const elasticsearch = elasticsearchConfig({ ...flags, store: 'elasticsearch', elasticsearch: text }, env)
    return elasticsearch === undefined ? { dir: text } : { elasticsearch }
  }
  const { afterMs: _, maxBytes: __, ...archive } = archiveConfig(flags, env)
  const from = side('from')
  if ('elasticsearch' in from && archive.s3 !== undefined && archive.dir === undefined)
    throw conflict(
      'cannot copy from Elasticsearch with --archive-s3 alone: give --archive-dir, too, a folder for what is fetched',
    )
  return Object.freeze({ from: { ...from, archive }, to: side('to') })
}
