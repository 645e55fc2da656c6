import type { ApiEnd } from '../shared/api/answers.ts'
import type { ApiProblem } from '../shared/api/basics.ts'
import type { ApiRecord } from '../shared/api/record.ts'
import { SwarmlogsError } from '../shared/errors.ts'
import type { Client } from './client.ts'
import { linesOf } from './import/split.ts'
import { recordForm } from './output/forms.ts'
import { say } from './output/say.ts'

/** What belongs to the server or the answer, not to the line; the first of these members is the record's own. */
const RECEIVED = /,"event\.received":"[^"]*"/
const CURSOR = /,"cursor":"[^"]*"\}$/

/** The lines that a search finds as text, NDJSON or CSV, in as many answers as the server needs. */
export async function* textsOf(
  client: Client,
  asked: URLSearchParams,
  isCsv: boolean,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const { head, write } = recordForm('csv')
  if (isCsv) yield `${head}\n`
  const form = (line: string) =>
    isCsv ? write(JSON.parse(line) as ApiRecord, line) : line.replace(RECEIVED, '').replace(CURSOR, '}')
  const params = new URLSearchParams(asked)
  for (let cursor: string | null | undefined; cursor !== null; ) {
    if (cursor !== undefined) params.set('cursor', cursor)
    const end = yield* answerOf(client, params, form, signal)
    if (end.cursor === null || end.cursor === cursor) sayEnd(end)
    cursor = end.cursor
  }
}

async function* answerOf(
  client: Client,
  params: URLSearchParams,
  form: (line: string) => string,
  signal: AbortSignal,
): AsyncGenerator<string, ApiEnd> {
  const response = await client.get('api/v1/search', { accept: 'application/x-ndjson', params, signal })
  let end: ApiEnd | undefined
  for await (const lines of linesOf(client.body(response))) {
    // Nearly all lines are records, which need not be parsed to be written as they are.
    const records = lines.filter((line) => line.startsWith('{"@timestamp"'))
    if (records.length > 0) yield records.map((line) => `${form(line)}\n`).join('')
    const last = lines.at(-1) ?? ''
    if (!last.startsWith('{"@timestamp"')) end = endOf(last) ?? end
  }
  if (end === undefined) {
    throw new SwarmlogsError('SWARMLOGS_PROTOCOL', 'cannot export all lines: the answer ended too early; try again')
  }
  return end
}

function endOf(line: string): ApiEnd | undefined {
  const other = JSON.parse(line) as Partial<ApiEnd & ApiProblem>
  if (other.error !== undefined) throw new SwarmlogsError('SWARMLOGS_STORE_UNAVAILABLE', other.error.message)
  return other.end === true ? (other as ApiEnd) : undefined
}

function sayEnd({ stopped, completeness }: ApiEnd): void {
  if (stopped !== undefined) throw new SwarmlogsError('SWARMLOGS_LIMIT', `cannot export all lines: ${stopped}`)
  const { verdict, gaps, nodes } = completeness
  if (verdict === 'partial') say(`-- not complete: ${gaps} gaps, and lines of ${nodes.length} nodes are not here`)
}
