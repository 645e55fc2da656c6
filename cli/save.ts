import { existsSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import type { ApiContext } from '../shared/api/analysis.ts'
import { SwarmlogsError } from '../shared/errors.ts'
import type { Flags } from '../shared/settings.ts'
import { formatTime, parseTime } from '../shared/time.ts'
import { Client } from './client.ts'
import { clientConfig } from './config.ts'
import { joinQueries } from './operands.ts'
import { readQuestion } from './question.ts'

/** How long before and after a line lines are saved, when only the line is given. */
const AROUND_NS = 15n * 60_000_000_000n
/** The form of a search's answer that bundles and Parquet files are made of. */
export const ARCHIVE = 'application/vnd.swarmlogs.archive'

/** What `incident save` was asked for. */
export interface SaveAsk {
  readonly name: string
  /** The query. */
  readonly words: readonly string[]
  readonly flags: Flags
  /** The server's clock. */
  readonly now: bigint
  readonly source: Source
}

/** The server that a bundle is made of. */
export type Source = ReturnType<typeof sourceOf>

/** What a bundle is made of, asked of the server. `Knowledge` is the server's own form, which only it reads. */
export function sourceOf(flags: Flags) {
  const client = new Client(clientConfig(flags))
  return {
    address: client.address,
    knowledge: async <Knowledge>(signal: AbortSignal): Promise<Knowledge> =>
      (await client.json<Knowledge>('api/v1/knowledge', undefined, signal)).answer,
    timeOf: async (cursor: string): Promise<string> => {
      const params = new URLSearchParams({ cursor, before: '0', after: '0' })
      return (await client.json<ApiContext>('api/v1/context', params)).answer.record['@timestamp']
    },
    lines: async (
      asked: URLSearchParams,
      cursor: string | null,
      signal: AbortSignal,
    ): Promise<AsyncIterable<Buffer>> => {
      const params = new URLSearchParams(asked)
      if (cursor !== null) params.set('cursor', cursor)
      return client.body(await client.get('api/v1/search', { accept: ARCHIVE, params, signal }))
    },
  }
}

/** Reads what is to be saved, and where: its times are fixed by the server's clock. Throws SWARMLOGS_USAGE. */
export async function readSave({ name, words, flags, now, source }: SaveAsk) {
  if (name === '')
    throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot save without a name: give one, such as checkout-down')
  const path = String(flags.output ?? `${name.replaceAll(/[^\w.-]+/g, '-')}.slog`)
  if (existsSync(path))
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot write '${path}': it is there already; give another -o`)
  const q = words.length === 0 ? {} : { q: joinQueries(words) }
  const { params } = readQuestion({ ...flags, ...q, output: 'json' }, [])
  const cursor = flags.around === undefined ? undefined : String(flags.around)
  const time = cursor === undefined ? undefined : parseTime(await source.timeOf(cursor), now, 'UTC')
  const { since, until } = rangeOf(params, now, time)
  params.delete('timezone')
  params.set('since', formatTime(since))
  params.set('until', formatTime(until))
  const about = {
    ...{ name, savedBy: savedBy(), savedFrom: source.address, question: [...params] },
    ...{ since: String(since), until: String(until) },
    around: cursor === undefined || time === undefined ? null : { cursor, time: String(time) },
  }
  return { path, about, params }
}

function rangeOf(params: URLSearchParams, now: bigint, around: bigint | undefined): { since: bigint; until: bigint } {
  const [from, to] = [params.get('since'), params.get('until')]
  if (from === null && around === undefined) {
    const message = 'cannot save all times at once: say since when (--since 2h), or around which line (--around CURSOR)'
    throw new SwarmlogsError('SWARMLOGS_USAGE', message)
  }
  const read = (text: string): bigint => parseTime(text, now, params.get('timezone') ?? 'UTC')
  const since = from === null ? (around ?? 0n) - AROUND_NS : read(from)
  const until = to === null ? (from === null ? (around ?? 0n) + AROUND_NS : now) : read(to)
  if (since < smaller(until, now)) return { since, until: smaller(until, now) }
  throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot save an empty time: give an --until that is later than --since')
}

/** What is still to come nobody can save. */
function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

function savedBy(): string {
  try {
    return `${userInfo().username}@${hostname()}`
  } catch {
    // A container's user need not have a name.
    return hostname()
  }
}
