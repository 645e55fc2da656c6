import type { ApiAnnotation, ApiGap, ApiRecord } from '../../shared/api/record.ts'
import { annotationText, gapText } from '../output/gap-text.ts'

/** One entry of the view: a line, or a gap or what somebody noted in its place among them. */
export interface Line {
  readonly kind: 'line' | 'gap' | 'note'
  /** RFC 3339 with nine digits; of a gap, where it begins. */
  readonly time: string
  readonly level: string
  readonly source: string
  readonly service: string
  /** `web.1`, or what else names the container best. */
  readonly task: string
  readonly node: string
  readonly container: string
  readonly text: string
  /** Of an event: its lines behind the first one, which `text` has; else ''. */
  readonly folded: string
  /** The whole record, as the server sent it: 60 k parsed ones would take many times its room. */
  readonly json: string
}

/** Reads what the server sends for a line, in `gap` for a gap, or in `annotation` for a note. Throws a SyntaxError when it is no JSON. */
export function readLine(json: string): Line {
  const record = JSON.parse(json) as ApiRecord & { gap?: ApiGap; annotation?: ApiAnnotation }
  if (record.annotation !== undefined) return annotationLine(record.annotation)
  return record.gap === undefined ? lineOf(record, json) : gapLine(record.gap)
}

/** A record as an entry. */
export function lineOf(record: ApiRecord, json: string = JSON.stringify(record)): Line {
  const { '@timestamp': time, message, 'log.level': level = '', 'log.iostream': source } = record
  const end = (record.event_lines ?? 1) > 1 ? message.indexOf('\n') : message.length
  const text = withoutReturn(message.slice(0, end))
  return { kind: 'line', time, level, source, ...namesOf(record), text, folded: message.slice(end + 1), json }
}

/** A gap as an entry. */
export function gapLine(gap: ApiGap): Line {
  const json = JSON.stringify(gap)
  return {
    kind: 'gap',
    time: gap.from,
    level: '',
    source: '',
    ...namesOf(gap),
    text: `-- ${gapText(gap)}`,
    folded: '',
    json,
  }
}

/** A note as an entry. */
export function annotationLine(one: ApiAnnotation): Line {
  const text = `-- note: ${annotationText(one)}`
  const json = JSON.stringify(one)
  return { kind: 'note', time: one.at, level: '', source: '', ...namesOf(one), text, folded: '', json }
}

/** Whether a line tells of an error. */
export function isError({ level }: Pick<Line, 'level'>): boolean {
  return level === 'error' || level === 'fatal'
}

/** All that a line says; of an event all of its lines. */
export function wholeText({ text, folded }: Pick<Line, 'text' | 'folded'>): string {
  return folded === '' ? text : `${text}\n${folded}`
}

/** Whether two entries are the same one, read twice. */
export function isSame(one: Line, other: Line): boolean {
  return keyOf(one) === keyOf(other)
}

/** What tells an entry from others, but for equal lines of one container at one time. */
export function keyOf({ kind, time, container, source, text }: Line): string {
  return JSON.stringify([kind, time, container, source, text])
}

function namesOf(labels: ApiAnnotation | ApiGap | ApiRecord): Pick<Line, 'service' | 'task' | 'node' | 'container'> {
  const service = labels['service.name'] ?? ''
  const slot = labels['docker.swarm.task.slot']
  const container = labels['container.id'] ?? ''
  const task = slot === undefined ? service || labels['container.name'] || container.slice(0, 12) : `${service}.${slot}`
  return { service, task: task || (labels.tag ?? ''), node: labels['host.name'] ?? '', container }
}

/** A text without the return that its container printed at its end. */
export function withoutReturn(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text
}
