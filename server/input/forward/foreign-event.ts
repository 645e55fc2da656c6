import type { Level, Source } from '../../../shared/record.ts'
import { FieldSet } from '../../parse/fields.ts'
import { levelOfField } from '../../parse/level.ts'
import { parseLine } from '../../parse/line.ts'
import type { Origin } from './foreign-streams.ts'
import { shortened } from './label.ts'
import type { Part } from './partials.ts'
import { Extension, type Value } from './reader.ts'

/** Keys that may hold the line, in the order in which they are tried. */
export const LINE_KEYS: ReadonlySet<string> = new Set(['log', 'message', 'msg', 'MESSAGE'])
const SOURCE_KEYS = ['source', 'stream'] as const
const STACK_KEY = 'com.docker.stack.namespace'
const PARTIAL_KEYS = ['partial_message', 'partial_id', 'partial_ordinal', 'partial_last'] as const
const FIELD_DEPTH = 8
const NEWLINE = 0x0a

/** A foreign record taken apart: what identifies it, its line, and the rest. */
export interface ForeignEvent {
  readonly origin: Omit<Origin, 'tag'>
  readonly source: Source
  /** The line's bytes, without its newline. */
  readonly line: Buffer
  readonly level: Level
  /** Keys of the record that have no place of their own. */
  readonly extras: FieldSet
  /** Set when the line is a part of a longer one (Docker splits at 16 KiB). */
  readonly part?: Part
}

/** Takes a foreign record apart. With `keepsParts` the keys that tell parts from whole lines stay among the extras. */
export function foreignEvent(record: Map<string, Value>, metadata: Value, keepsParts: boolean): ForeignEvent {
  const line = takeLine(record)
  const origin = {
    containerId: takeText(record, 'container_id'),
    containerName: takeText(record, 'container_name'),
    stack: shortened(textOf(record.get(STACK_KEY))),
  }
  const source = takeSource(record)
  const part = keepsParts ? undefined : takePart(record)
  const extras = new FieldSet()
  const level = flatten(extras, '', record, 1)
  if (metadata instanceof Map) flatten(extras, 'metadata.', metadata, 1)
  return { origin, source, line, level, extras, ...(part && { part }) }
}

/** Level and fields of a whole line: the record's own keys first, the line's where the record says nothing. */
export function describe(
  event: Pick<ForeignEvent, 'level' | 'extras'>,
  message: string,
): { level: Level; fields: string } {
  const parsed = parseLine(message)
  const level = event.level || parsed.level
  const extras = event.extras.text()
  if (extras === '' || parsed.fields === '') return { level, fields: extras || parsed.fields }
  for (const [name, value] of Object.entries(JSON.parse(parsed.fields)))
    event.extras.add(JSON.stringify(name).slice(1, -1), JSON.stringify(value))
  return { level, fields: event.extras.text() }
}

function takeLine(record: Map<string, Value>): Buffer {
  for (const key of LINE_KEYS) {
    const value = record.get(key)
    if (!Buffer.isBuffer(value)) continue
    record.delete(key)
    // Docker's log files keep the newline in `log`, and tails of them send it on.
    return value.at(-1) === NEWLINE ? value.subarray(0, -1) : value
  }
  return Buffer.from(jsonOf(record))
}

function takeText(record: Map<string, Value>, key: string): string {
  const text = textOf(record.get(key))
  if (text !== '') record.delete(key)
  return shortened(text)
}

function textOf(value: Value | undefined): string {
  return typeof value === 'string' ? value : ''
}

function takeSource(record: Map<string, Value>): Source {
  for (const key of SOURCE_KEYS) {
    const value = record.get(key)
    if (value !== 'stdout' && value !== 'stderr') continue
    record.delete(key)
    return value
  }
  return 'stdout'
}

function takePart(record: Map<string, Value>): Part | undefined {
  const [message, id, ordinal, last] = PARTIAL_KEYS.map((key) => textOf(record.get(key)))
  if (message !== 'true' || id === undefined || id === '') return undefined
  for (const key of PARTIAL_KEYS) record.delete(key)
  return { id: shortened(id), ordinal: Number(ordinal) || 0, isLast: last === 'true' }
}

/** Adds a map's values under dotted names; returns the level that one of them gives. */
function flatten(fields: FieldSet, prefix: string, map: ReadonlyMap<string, Value>, depth: number): Level {
  let level: Level = ''
  for (const [key, value] of map) {
    const name = prefix + JSON.stringify(key).slice(1, -1)
    if (value instanceof Map && depth < FIELD_DEPTH) {
      const inner = flatten(fields, `${name}.`, value, depth + 1)
      level ||= inner
      continue
    }
    const json = fieldJson(value)
    fields.add(name, json)
    level ||= levelOfField(name, typeof value === 'string' ? value : json)
  }
  return level
}

/** A field's value as JSON: arrays, deep maps and big integers as text. */
function fieldJson(value: Value): string {
  if (value instanceof Map || Array.isArray(value)) return JSON.stringify(jsonOf(value))
  return typeof value === 'bigint' ? `"${value}"` : jsonOf(value)
}

/** Compact JSON of any value; what JSON has no form for is text. */
function jsonOf(value: Value): string {
  if (value instanceof Map)
    return `{${Array.from(value, ([key, inner]) => `${JSON.stringify(key)}:${jsonOf(inner)}`).join()}}`
  if (value instanceof Extension) return JSON.stringify(`ext(${value.type}):${value.data.toString('base64')}`)
  if (Buffer.isBuffer(value)) return JSON.stringify(value.toString())
  if (Array.isArray(value)) return `[${value.map(jsonOf).join()}]`
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value)
}
