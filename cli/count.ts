import type { IncomingHttpHeaders } from 'node:http'
import type { ApiPage } from '../shared/api/answers.ts'
import type { Client } from './client.ts'
import { ask } from './print.ts'

/** Throws SWARMLOGS_NOT_FOUND when a target of the question stands for nothing. */
export async function checkTargets(client: Client, params: URLSearchParams): Promise<IncomingHttpHeaders> {
  const response = await ask(client, 'text', changed(params, 'limit', '1'))
  response.destroy()
  return response.headers
}

/**
 * How many lines a question without `n` and `since` has, without reading them: exactly where the server's catalog tells, else
 * infinitely many or none, for more than `most` or not.
 */
export async function countLines(client: Client, asked: URLSearchParams, most: number): Promise<number> {
  const params = new URLSearchParams(asked)
  params.delete('events')
  const { 'swarmlogs-records': known } = await checkTargets(client, params)
  if (known !== undefined || !params.has('until')) return Number(known ?? 0)
  // The time cuts through a stream, which the catalog knows as a whole: is there a line before the newest so many?
  const oldest = await oldestTime(client, changed(params, 'n', String(most)))
  if (oldest === undefined) return 0
  const before = await oldestTime(client, changed(params, 'until', oldest))
  return before === undefined ? 0 : Number.POSITIVE_INFINITY
}

async function oldestTime(client: Client, params: URLSearchParams): Promise<string | undefined> {
  const { answer } = await client.json<ApiPage>('api/v1/search', changed(params, 'limit', '1'))
  return answer.records[0]?.['@timestamp']
}

function changed(params: URLSearchParams, name: string, value: string): URLSearchParams {
  const copy = new URLSearchParams(params)
  copy.set(name, value)
  return copy
}
