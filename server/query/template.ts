import type { StoredRecord } from '../../shared/record.ts'
import { lineFields } from './named-field.ts'

/** What is behind is not looked at. */
const MAX_CHARS = 1024
/** Where lines of JSON have their text. */
const TEXT_FIELDS = ['message', 'msg', 'log', 'event']

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
const CLOCK = '\\d\\d:\\d\\d:\\d\\d(?:[.,]\\d{1,9})?'
const TIME = `(?:\\d{4}[-/]\\d\\d[-/]\\d\\d[T ])?${CLOCK}(?:Z|[+-]\\d\\d:?\\d\\d)?`
const IP = '\\d{1,3}(?:\\.\\d{1,3}){3}(?::\\d{1,5})?|(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}'
const HEX = '0x[0-9a-f]+|(?=[a-f]{0,40}\\d)[0-9a-f]{8,}'
const NUM = '(?:(?<![\\w.-])-)?\\d+(?:\\.\\d+)?'
/** Each bounded in how far it looks ahead, so that any line takes time linear in its length. */
const MASKS = new RegExp(
  `(?<![0-9a-z])(?:(${UUID})|(${TIME})|(${IP})|(${HEX}))(?![0-9a-z])|(?<![a-z\\d])(${NUM})`,
  'gi',
)
const NAMES = ['<uuid>', '<time>', '<ip>', '<hex>', '<num>'] as const

/** The text of a line with what differs from line to line replaced: numbers, ids, addresses, times. */
export function templateOf(record: Pick<StoredRecord, 'message' | 'fields'>): string {
  const text = textOf(record).slice(0, MAX_CHARS)
  return text.replace(
    MASKS,
    (...found: unknown[]) => NAMES[found.slice(1, 6).findIndex((part) => part !== undefined)] ?? '',
  )
}

function textOf({ message, fields }: Pick<StoredRecord, 'message' | 'fields'>): string {
  if (fields === '' || !message.startsWith('{')) return message
  const parsed = lineFields(fields)
  const text = TEXT_FIELDS.map((name) => parsed[name]).find((value) => typeof value === 'string' && value !== '')
  return typeof text === 'string' ? text : message
}
