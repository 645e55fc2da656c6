import { unsupported } from '../refuse.ts'
import type { Template } from './tree.ts'

const FIELD = /^\s*\.([A-Za-z_]\w*)\s*$/

/** Reads a template of text and `{{.label}}`; functions and conditions are refused by name. */
export function parseTemplate(text: string): Template {
  const parts: (string | { label: string })[] = []
  let at = 0
  for (let open = text.indexOf('{{'); open >= 0; open = text.indexOf('{{', at)) {
    const close = text.indexOf('}}', open)
    const inner = close < 0 ? text.slice(open) : text.slice(open + 2, close)
    const label = FIELD.exec(inner)?.[1]
    if (close < 0 || label === undefined) throw unsupported(`the template {{${inner}}} (only {{.label}} is)`)
    if (open > at) parts.push(text.slice(at, open))
    parts.push({ label })
    at = close + 2
  }
  return at < text.length ? [...parts, text.slice(at)] : parts
}

/** The text that a template makes of labels. */
export function fill(template: Template, labelOf: (label: string) => string): string {
  return template.map((part) => (typeof part === 'string' ? part : labelOf(part.label))).join('')
}
