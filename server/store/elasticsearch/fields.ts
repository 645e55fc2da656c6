import { numberIn } from '../../query/field-text.ts'
import { MAX_HEAD, MAX_KEYWORD } from './mapping.ts'

/** Characters of a name: key and value together make a term, which takes 32,766 bytes at most; long values are left out by the mapping. */
export const MAX_KEY = 512

/** Letters whose lower case is of ASCII, and the last one of all: the index takes no two of them for the same. */
const RARE = /[\u0130\u212a\u{10ffff}]/u

/**
 * The members of a document for a record's fields: the object itself where Elasticsearch takes it and it reads back as the same text,
 * else what of it can be searched, and the text beside it. Long texts are kept elsewhere. A mark says when searches must not trust the
 * index about them.
 */
export function indexedFields(text: string): string {
  if (text === '') return ''
  if (isSimple(text)) return `,"fields":${text}`
  const object = parseObject(text)
  const isKept = text.length > MAX_HEAD
  if (object !== undefined && !isKept && isTakenAsIs(object) && JSON.stringify(object) === text)
    return `,"fields":${text}${isSaidByIndex(object) ? '' : PARTLY}`
  const fields = object === undefined ? '' : `,"fields":${JSON.stringify(takenPart(object))}`
  const kept = isKept ? '' : `,"swarmlogs.fields_text":${JSON.stringify(text.toWellFormed())}`
  return `${fields}${PARTLY}${kept}`
}

const PARTLY = ',"swarmlogs.fields_partly":true'

/** Whether the index, where all is text and texts have a bound, says all about the object. */
function isSaidByIndex(object: Fields): boolean {
  const names = Object.keys(object)
  if (new Set(names.map((name) => name.toLowerCase())).size < names.length) return false
  return Object.entries(object).every(([name, value]) => {
    if (RARE.test(name)) return false
    if (typeof value !== 'string') return true
    const isOneNumber = numberIn(value) === undefined || String(numberIn(value)) === value
    return value.length <= MAX_KEYWORD && !RARE.test(value) && isOneNumber
  })
}

/**
 * A member that needs no escapes nor has one of the rare letters, with a value that JSON has one way to write. A string that may be a number, which
 * can be written in several ways, is a whole one.
 */
const MEMBER =
  /"[A-Za-z_@][^"\\\u0000-\u001f\u0130\u212a\ud800-\udfff]{0,255}":(?:"(?:(?!-?\d[\d.eE+-]*")[^"\\\u0000-\u001f\u0130\u212a\ud800-\udfff]*|0|-?[1-9]\d{0,14})"|true|false|null|0|-?[1-9]\d{0,14}|-?(?:0|[1-9]\d{0,8})\.\d{0,5}[1-9])[,}]/y

/** Whether the text is surely taken as it is, and the index says all about it: nearly all are, and to tell is cheaper than to parse and to print them. */
function isSimple(text: string): boolean {
  if (text.length > MAX_KEYWORD || !text.startsWith('{')) return false
  const folded = text.toLowerCase()
  for (let at = 1; at < text.length; ) {
    MEMBER.lastIndex = at
    if (!MEMBER.test(text)) return false
    const name = folded.slice(at, folded.indexOf(':', at) + 1)
    // Elasticsearch refuses an object that has a name twice.
    if (folded.includes(name, at + 1)) return false
    at = MEMBER.lastIndex
    if (text[at - 1] === '}') return at === text.length
  }
  return false
}

type Fields = Readonly<Record<string, unknown>>

function parseObject(text: string): Fields | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isTakenAsIs(object: Fields): boolean {
  for (const key in object) if (!isTaken(key, object[key])) return false
  return true
}

/** Deep objects, and names with a NUL, are refused. */
function isTaken(key: string, value: unknown): boolean {
  return typeof value !== 'object' && key.length <= MAX_KEY && key !== '' && !key.includes('\0') && isPlain(value)
}

function isPlain(value: unknown): boolean {
  return typeof value !== 'string' || !value.includes('\0')
}

/** What of the fields can be searched, up to a bound: pages of lines carry it. */
function takenPart(object: Fields): object {
  let length = 0
  const part = Object.entries(object).flatMap(([key, value]): [string, unknown][] => {
    const plain = typeof value === 'object' ? JSON.stringify(value) : value
    const more = key.length + (typeof plain === 'string' ? plain.length : 8)
    if (!isTaken(key, plain) || length + more > MAX_HEAD) return []
    length += more
    return [[key, plain]]
  })
  return Object.fromEntries(part)
}
