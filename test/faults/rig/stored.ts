import type { StoredLine } from '../../lab/account.ts'
import type { ToldGap } from '../../lab/gap-ledger.ts'

/** What a server has, in the order of its answer, and the gaps that it tells of; the task is '' outside of a Swarm. */
export interface Stored {
  readonly lines: readonly (StoredLine & { readonly task: string })[]
  readonly gaps: readonly (ToldGap & { readonly task: string })[]
}

/** All lines that a search finds; the query is that of the HTTP API. */
export async function storedOf(url: string, query: string, headers: Record<string, string> = {}): Promise<Stored> {
  const accept = 'application/x-ndjson'
  const answer = await fetch(`${url}/api/v1/search?${query}`, { headers: { ...headers, accept } })
  const lines: Stored['lines'][number][] = []
  const gaps: Stored['gaps'][number][] = []
  for (const text of (await answer.text()).split('\n')) {
    if (text === '') continue
    const told = JSON.parse(text)
    if (told.end) return { lines, gaps }
    if (told.gap) gaps.push(gapOf(told.gap))
    else lines.push(lineOf(told))
  }
  throw new Error(`cannot read all lines of ${query}: the answer has no end`)
}

function lineOf(told: Record<string, string>): Stored['lines'][number] {
  const { message = '', 'log.iostream': source, '@timestamp': time = '' } = told
  return {
    ...{ source: source === 'stderr' ? 'stderr' : 'stdout', time: nanoseconds(time), message },
    task: told['docker.swarm.task.name'] ?? '',
  }
}

interface OwnGap {
  readonly from: string
  readonly to: string
  readonly at_least: number
  readonly at_most?: number
  readonly 'docker.swarm.task.name'?: string
  readonly 'container.id'?: string
}

function gapOf(told: OwnGap): Stored['gaps'][number] {
  const { from, to, at_least: atLeast, at_most: most } = told
  return {
    ...{ from: nanoseconds(from), to: nanoseconds(to), atLeast, ...(most !== undefined && { atMost: most }) },
    ...{ task: told['docker.swarm.task.name'] ?? '', isOfNode: told['container.id'] === undefined },
  }
}

/** A time as Docker and the HTTP API write it, nanoseconds since 1970. */
export function nanoseconds(rfc3339: string): bigint {
  const [, seconds = '', fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(rfc3339) ?? []
  return BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}
