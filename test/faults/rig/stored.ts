import type { StoredLine, ToldGap } from '../../lab/ledger.ts'

/** The lines of one container that a server has, in the order of its answer, and the gaps that it tells of. */
export async function storedOf(url: string, container: string): Promise<{ lines: StoredLine[]; gaps: ToldGap[] }> {
  const headers = { accept: 'application/x-ndjson' }
  const answer = await fetch(`${url}/api/v1/search?since=1d&container=${container}`, { headers })
  const lines: StoredLine[] = []
  const gaps: ToldGap[] = []
  for (const text of (await answer.text()).split('\n')) {
    if (text === '') continue
    const told = JSON.parse(text)
    if (told.end) return { lines, gaps }
    if (told.gap) gaps.push(gapOf(told.gap))
    else lines.push({ source: told['log.iostream'], time: nanoseconds(told['@timestamp']), message: told.message })
  }
  throw new Error(`cannot read all lines of ${container}: the answer has no end`)
}

function gapOf(told: { from: string; to: string; at_least: number; at_most?: number }): ToldGap {
  const atMost = told.at_most === undefined ? {} : { atMost: told.at_most }
  return { from: nanoseconds(told.from), to: nanoseconds(told.to), atLeast: told.at_least, ...atMost }
}

function nanoseconds(rfc3339: string): bigint {
  const [, seconds = '', fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(rfc3339) ?? []
  return BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}
