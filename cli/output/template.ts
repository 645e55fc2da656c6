import type { ApiRecord } from '../../shared/api/record.ts'
import { SwarmlogsError } from '../../shared/errors.ts'

type Value = (record: ApiRecord) => unknown

const taskOf: Value = (record) => {
  const { 'docker.swarm.task.slot': slot, 'docker.swarm.task.id': id, 'service.name': service } = record
  return id === undefined ? (record['container.name'] ?? service) : `${service}.${slot ?? 0}`
}

/** What a template can name. */
export const TEMPLATE_FIELDS: Readonly<Record<string, Value>> = {
  Time: (record) => record['@timestamp'],
  Service: (record) => record['service.name'],
  Stack: (record) => record['docker.swarm.stack.name'],
  Task: taskOf,
  TaskID: (record) => record['docker.swarm.task.id'],
  Slot: (record) => record['docker.swarm.task.slot'] ?? 0,
  Node: (record) => record['host.name'],
  Container: (record) => record['container.name'],
  ContainerID: (record) => record['container.id'],
  Image: (record) => record['container.image.name'],
  Source: (record) => record['log.iostream'],
  Level: (record) => record['log.level'],
  Message: (record) => record.message,
  Cursor: (record) => record.cursor,
}

const PLACE = /\{\{\s*(json\s+)?\.([\w.@-]*)\s*\}\}/g

/** Reads `{{.Service}} {{.Fields.user.id}} {{json .}}`; `\n` and `\t` are what they look like. Throws SWARMLOGS_USAGE for unknown names. */
export function readTemplate(text: string): (record: ApiRecord) => string {
  const parts: (string | Value)[] = []
  let end = 0
  for (const match of text.matchAll(PLACE)) {
    const [whole, json, name = ''] = match
    parts.push(plain(text.slice(end, match.index)), placeOf(name, json !== undefined))
    end = match.index + whole.length
  }
  parts.push(plain(text.slice(end)))
  return (record) => parts.map((part) => (typeof part === 'string' ? part : textOf(part(record)))).join('')
}

function plain(text: string): string {
  if (text.includes('{{')) throw unusable(text)
  return text.replaceAll('\\n', '\n').replaceAll('\\t', '\t')
}

function placeOf(name: string, isJson: boolean): Value {
  const [field, ...path] = name.split('.')
  const value = name === '' ? isJson && ((record: ApiRecord) => record) : fieldOf(field ?? '', path.join('.'))
  if (!value) throw unusable(`{{.${name}}}`)
  return isJson ? (record) => JSON.stringify(value(record) ?? null) : value
}

function fieldOf(name: string, path: string): Value | undefined {
  if (name === 'Fields') return (record) => (path === '' ? record.fields : record.fields?.[path])
  return path === '' && Object.hasOwn(TEMPLATE_FIELDS, name) ? TEMPLATE_FIELDS[name] : undefined
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function unusable(part: string): SwarmlogsError {
  const names = Object.keys(TEMPLATE_FIELDS).join(', ')
  const message = `cannot use '${part}' in a template: right are {{.Fields.NAME}}, {{json .}} and {{.NAME}} with ${names}`
  return new SwarmlogsError('SWARMLOGS_USAGE', message)
}
