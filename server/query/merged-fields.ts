/** A member of `LogRecord.fields`, as server/parse writes it: its name, its value, and what ends it. */
const MEMBER = /("[^"\\]*(?:\\.[^"\\]*)*"):("[^"\\]*(?:\\.[^"\\]*)*"|[^",}]*)[,}]/y

/**
 * The fields of several lines as if they were those of one: each has the value of the first line that says it. Values stay as they are written, so
 * that a query finds the same in them.
 */
export function mergedFields(texts: readonly string[]): string {
  const [first = '', ...others] = texts.filter((text) => text !== '')
  if (others.length === 0) return first
  const merged = new Map<string, string>()
  for (const text of [first, ...others]) addMembers(merged, text)
  return `{${[...merged].map(([name, value]) => `${name}:${value}`).join(',')}}`
}

function addMembers(merged: Map<string, string>, text: string): void {
  MEMBER.lastIndex = 1
  for (let member = MEMBER.exec(text); member !== null; member = MEMBER.exec(text)) {
    const [, name = '', value = ''] = member
    const known = merged.get(name)
    // Null says nothing.
    if (known === undefined || known === 'null') merged.set(name, value)
  }
}
