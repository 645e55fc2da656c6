const QUOTE = 0x22
const BACKSLASH = 0x5c
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$/

/**
 * Reads the text of a field from `LogRecord.fields` without parsing all of it: what a string says, what a number, true or false is written
 * like. Undefined when it is not there or null. The object is as server/parse writes it, flat, without white space between its parts; of any other
 * text all stores read the same.
 */
export function fieldReader(name: string): (fields: string) => string | undefined {
  const key = `${JSON.stringify(name)}:`
  return (fields) => find(fields, key)
}

function find(fields: string, key: string): string | undefined {
  for (let at = fields.indexOf(key); at >= 0; at = fields.indexOf(key, at + 1)) {
    // Within a string a quote has a backslash before it, so that what looks like a member is one.
    if (at === 1 ? fields.startsWith('{') : fields[at - 1] === ',') return valueAt(fields, at + key.length)
  }
  return undefined
}

/** The number that a field's text is, undefined when it is none. */
export function numberIn(text: string): number | undefined {
  if (!NUMBER.test(text)) return undefined
  const number = Number(text)
  return Number.isFinite(number) ? number : undefined
}

function valueAt(fields: string, start: number): string | undefined {
  if (fields.charCodeAt(start) === QUOTE) return stringAt(fields, start)
  let end = start
  while (end < fields.length && fields[end] !== ',' && fields[end] !== '}') end++
  const raw = fields.slice(start, end)
  return raw === 'null' || raw === '' ? undefined : raw
}

function stringAt(fields: string, start: number): string | undefined {
  let hasEscapes = false
  for (let at = start + 1; at < fields.length; at++) {
    const code = fields.charCodeAt(at)
    if (code === BACKSLASH) {
      hasEscapes = true
      at++
    } else if (code === QUOTE) {
      if (!hasEscapes) return fields.slice(start + 1, at)
      const text: string = JSON.parse(fields.slice(start, at + 1))
      // Half a surrogate pair is no text to any store.
      return text.isWellFormed() ? text : undefined
    }
  }
  return undefined
}
