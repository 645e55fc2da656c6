import { SwarmlogsError } from '../../../shared/errors.ts'
import { unavailable } from '../unavailable.ts'
import { failureOf, messageOf, typeOf } from './failure.ts'
import { Identity } from './identity.ts'
import type { Indices } from './indices.ts'
import { FORMAT, linesIndex } from './mapping.ts'
import { dayOf, type Names } from './names.ts'
import type { Notes } from './notes.ts'
import { type ElasticOptions, named } from './options.ts'
import type { Requests } from './requests.ts'

/** What a version that does not know ours answers to the form of our requests. */
const FOREIGN_VERSION = 'media_type_header_exception'
const OLDEST_VERSION = 8
const NEWEST_VERSION = 9

const API_KEY = named('elasticsearch-api-key-file')
const USER = named('elasticsearch-user')
const PASSWORD = named('elasticsearch-password-file')

/** What the setting up works with. */
export interface SetUp {
  readonly options: ElasticOptions
  readonly requests: Requests
  readonly names: Names
  readonly notes: Notes
  readonly indices: Indices
}

interface Template {
  readonly index_templates?: readonly { readonly index_template: { readonly _meta?: Meta } }[]
}

interface Meta {
  readonly swarmlogs?: { readonly format?: number }
}

/**
 * Makes sure that the cluster is one that we can use, that we may write, and that our template and index of notes are there; tells who the store is.
 * Throws SWARMLOGS_CONFIG, _STORE_NEWER or _STORE_UNAVAILABLE, each of which says what to set or to do.
 */
export async function setUp(parts: SetUp): Promise<Identity> {
  try {
    const cluster = await checkCluster(parts)
    await checkFormat(parts)
    await putTemplate(parts)
    await parts.indices.ensure(parts.notes.index)
    // Better refused now than when the first lines come.
    await parts.indices.ensure(parts.names.lines(dayOf(BigInt(Date.now()) * 1_000_000n), false))
    const identity = new Identity(cluster, parts.notes)
    await identity.learn()
    // Learning it does not prove that we may write: it was there.
    await parts.notes.write('identity', 'started', new Date().toISOString())
    return identity
  } catch (error) {
    if (error instanceof SwarmlogsError) throw error
    if (typeOf(error) === FOREIGN_VERSION) throw wrongVersion(parts.options, await versionOf(parts))
    throw explained(parts.options, error)
  }
}

/** The cluster's UUID, when its version is one that we can use. */
async function checkCluster({ requests, options }: SetUp): Promise<string> {
  const { cluster_uuid } = await requests.send<{ cluster_uuid?: string }>('GET', '/_cluster/state/version')
  const { nodes = {} } = await requests.send<{ nodes?: Record<string, { version: string }> }>(
    'GET',
    '/_nodes/_all/none',
    {
      query: { filter_path: 'nodes.*.version' },
    },
  )
  for (const { version } of Object.values(nodes)) {
    const major = Number.parseInt(version, 10)
    if (major >= OLDEST_VERSION && major <= NEWEST_VERSION) continue
    throw wrongVersion(options, version)
  }
  if (cluster_uuid === undefined || cluster_uuid === '_na_')
    throw unavailable(`use Elasticsearch at ${options.urls.join(', ')}: the cluster has not formed yet; try again`)
  return cluster_uuid
}

/** The version of a cluster that takes no request of ours as it is; '' when it does not even tell that. */
async function versionOf({ requests }: SetUp): Promise<string> {
  const about = { headers: { accept: 'application/json' } }
  const answer = await requests.send<{ version?: { number?: string } }>('GET', '/', about).catch(() => undefined)
  return answer?.version?.number ?? ''
}

function wrongVersion({ urls }: ElasticOptions, version: string): SwarmlogsError {
  const remedy = `swarmlogs needs version ${OLDEST_VERSION} or ${NEWEST_VERSION}; point ${named('elasticsearch')} at such a cluster`
  const what = `Elasticsearch ${version}`.trim()
  return new SwarmlogsError('SWARMLOGS_CONFIG', `cannot use ${what} at ${urls.join(', ')}: ${remedy}`)
}

/** Looks for a format that is newer than ours, in the template and in all that was made with one. */
async function checkFormat({ requests, names }: SetUp): Promise<void> {
  const templates = await requests
    .send<Template>('GET', `/_index_template/${names.alias}`)
    .catch((error: unknown): Template => {
      if (failureOf(error) === 'missing') return {}
      throw error
    })
  const mappings = await requests.send<Record<string, { mappings?: { _meta?: Meta } }>>(
    'GET',
    `/${names.all}/_mapping`,
    {
      query: { filter_path: '*.mappings._meta', ignore_unavailable: true, allow_no_indices: true },
    },
  )
  const metas = [
    ...(templates.index_templates ?? []).map(({ index_template }) => index_template._meta),
    ...Object.values(mappings).map(({ mappings }) => mappings?._meta),
  ]
  const newest = Math.max(0, ...metas.map((meta) => meta?.swarmlogs?.format ?? 0))
  if (newest <= FORMAT) return
  throw new SwarmlogsError(
    'SWARMLOGS_STORE_NEWER',
    `cannot use the indices '${names.all}': a newer swarmlogs made them (format ${newest}, this one knows ${FORMAT}); start that version or a newer one`,
  )
}

async function putTemplate({ requests, names, options }: SetUp): Promise<void> {
  const body = {
    index_patterns: [...names.allLines],
    priority: 500,
    _meta: { swarmlogs: { format: FORMAT } },
    template: { ...linesIndex(options), aliases: { [names.alias]: {} } },
  }
  try {
    await requests.send('PUT', `/_index_template/${names.alias}`, { body })
  } catch (error) {
    // Our indices are made with all that is in it: where templates are the operator's business, it is not needed.
    if (failureOf(error) !== 'forbidden') throw error
    options.log.warn({ template: names.alias }, 'index template could not be written, going on without')
  }
}

function explained({ urls, auth }: ElasticOptions, error: unknown): SwarmlogsError {
  const at = `Elasticsearch at ${urls.join(', ')}`
  const reason = messageOf(error)
  const config = (text: string): SwarmlogsError => new SwarmlogsError('SWARMLOGS_CONFIG', text, { cause: error })
  switch (failureOf(error)) {
    case 'credentials':
      return auth === undefined
        ? config(`cannot sign in to ${at}: it asks for credentials; set ${API_KEY}, or ${USER} and ${PASSWORD}`)
        : 'apiKey' in auth
          ? config(`cannot sign in to ${at}: it refuses the API key; check ${API_KEY}`)
          : config(
              `cannot sign in to ${at}: it refuses the password of user '${auth.username}'; check ${USER} and ${PASSWORD}`,
            )
    case 'forbidden':
      return config(
        `cannot write to ${at}: ${reason}; give the owner of ${auth !== undefined && 'apiKey' in auth ? API_KEY : USER} the privileges that the documentation of swarmlogs lists`,
      )
    case 'certificate':
      return config(
        `cannot trust the certificate of ${at}: ${reason}; set the CA file by ${named('elasticsearch-ca')}, and in ${named('elasticsearch')} names that the certificate has`,
      )
    case 'refused':
      return unavailable(`set up ${at}: ${reason} (${typeOf(error)})`, error)
    default:
      return unavailable(`reach ${at}: ${reason}; check ${named('elasticsearch')} and whether the cluster is up`, error)
  }
}
