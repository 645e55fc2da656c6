import type { Logger } from 'pino'
import { environmentName } from '../../../shared/settings.ts'
import type { ArchiveClaim } from '../../archive/folder.ts'
import type { Retention } from '../../retention.ts'
import type { ArchiveTier } from '../tiered/archive-tier.ts'

/** How the server signs in to Elasticsearch. */
export type ElasticAuth = { readonly apiKey: string } | { readonly username: string; readonly password: string }

/** What the Elasticsearch store needs to know. */
export interface ElasticOptions {
  /** The nodes to talk to; any of them may be away. */
  readonly urls: readonly string[]
  readonly auth?: ElasticAuth
  /** PEM file of the authority that signed the nodes' certificates. */
  readonly caFile?: string
  /** How long lines are kept: a day goes when all of its lines may, those of some streams before. */
  readonly retentionMs: number
  /** How long the lines of which stream are kept; by default all for `retentionMs`. */
  readonly retention?: Retention | undefined
  /** Bytes on the cluster's disks, copies included, that all days together may take; without it only age counts. */
  readonly maxBytes?: number
  /** Primary shards of a day; default 1. */
  readonly shards?: number
  /** Copies of each shard; default 1. */
  readonly replicas?: number
  /** How soon lines that another server took in are found; default 1000. */
  readonly refreshMs?: number
  /** What the names of all our indices begin with, so that several Swarms can share a cluster; default `swarmlogs`. */
  readonly prefix?: string
  /** Opens this server's archive, once it can be told whose days of the store are; absent: it has none. */
  readonly openArchive?: (claim: ArchiveClaim) => Promise<Pick<ArchiveTier, 'absent' | 'sealed'>>
  /** Only reads the store, beside the server that has its archive. */
  readonly isGuest?: boolean
  readonly log: Logger
}

/** A setting as errors name it: its flag and its variable. */
export function named(name: string): string {
  return `--${name} (${environmentName(name)})`
}
