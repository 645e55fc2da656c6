import type { ApiContext } from '../../shared/api/analysis.ts'
import type { Client } from '../client.ts'
import { annotationLine, gapLine, type Line, lineOf } from './line.ts'
import { type Answer, inTime } from './pages.ts'
import { EVERYTHING, type Scope } from './scope.ts'

const AROUND = 300

/** Whose lines are shown around one: `within` as /api/v1/context has it, and the scope that reads on from there. */
export interface Surroundings {
  readonly within: 'container' | 'service' | 'all'
  readonly scope: Scope
}

/** The narrowest surroundings of a line: a foreign sender may have told no container, and no service. */
export function surroundings({ container, service }: Line): Surroundings {
  if (container !== '') return { within: 'container', scope: { ...EVERYTHING, containers: [container] } }
  if (service !== '') return { within: 'service', scope: { ...EVERYTHING, services: [service] } }
  return { within: 'all', scope: EVERYTHING }
}

/** The cursor of a line; undefined for a gap. */
export function cursorOf({ kind, json }: Line): string | undefined {
  return kind === 'gap' ? undefined : (JSON.parse(json) as { cursor?: string }).cursor
}

/** The line of a cursor. */
export async function readLineAt(client: Client, cursor: string): Promise<Line> {
  return lineOf((await ask(client, cursor, 'all', 0)).record)
}

/** The lines around that of a cursor, the line itself the one to be at. */
export async function readContext(
  client: Client,
  cursor: string,
  within: Surroundings['within'],
  signal: AbortSignal,
): Promise<Answer> {
  const {
    before,
    record,
    after,
    gaps,
    annotations = [],
    stopped,
    completeness,
  } = await ask(client, cursor, within, AROUND, signal)
  const line = lineOf(record)
  const lines = inTime(
    [...before.map((one) => lineOf(one)), line, ...after.map((one) => lineOf(one))],
    [...gaps.map(gapLine), ...annotations.map(annotationLine)],
  )
  const isEnd = (records: readonly unknown[]): boolean => records.length < AROUND && stopped === undefined
  return {
    page: { kind: 'jump', lines, index: lines.indexOf(line), isEnd: { older: isEnd(before), newer: isEnd(after) } },
    verdict: completeness,
  }
}

async function ask(
  client: Client,
  cursor: string,
  within: string,
  count: number,
  signal?: AbortSignal,
): Promise<ApiContext> {
  const params = new URLSearchParams({ cursor, within, before: String(count), after: String(count) })
  return (await client.json<ApiContext>('api/v1/context', params, signal)).answer
}
