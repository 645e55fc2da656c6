import type { ApiRecord } from '../../shared/api/record.ts'
import { SwarmlogsError } from '../../shared/errors.ts'
import { readTemplate, TEMPLATE_FIELDS } from './template.ts'

/** How records are written, a line (or more) each. */
export interface RecordForm {
  /** Stands before the first record; '' for none. */
  readonly head: string
  /** `line` is the JSON that the record was read from. */
  readonly write: (record: ApiRecord, line: string) => string
}

const COLUMNS = ['Time', 'Service', 'Slot', 'Node', 'Source', 'Level', 'Message'] as const
const LABELS = ['Time', 'Level', 'Service', 'Task', 'Node', 'Source'] as const

/** The forms of -o that are made of records here. Throws SWARMLOGS_USAGE for a template that cannot be read. */
export function recordForm(output: string): RecordForm {
  if (output === 'json') return { head: '', write: (_, line) => line }
  if (output === 'csv') return { head: COLUMNS.map((name) => name.toLowerCase()).join(','), write: csvLine }
  if (output === 'logfmt') return { head: '', write: logfmtLine }
  const template = output.replace(/^template=/, '')
  if (template === 'template' || template === '') {
    throw new SwarmlogsError(
      'SWARMLOGS_USAGE',
      "cannot use an empty template: give one, such as -o '{{.Service}} {{.Message}}'",
    )
  }
  return { head: '', write: readTemplate(template) }
}

/** As RFC 4180 has it. */
function csvLine(record: ApiRecord): string {
  return COLUMNS.map((name) => csvCell(String(TEMPLATE_FIELDS[name]?.(record) ?? ''))).join(',')
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Labels, the message, then what the line itself holds. */
function logfmtLine(record: ApiRecord): string {
  const labels = LABELS.map((name) => [name.toLowerCase(), TEMPLATE_FIELDS[name]?.(record)] as const)
  const own = [...labels, ['msg', record.message] as const]
  // A name that stands twice would be read as one of the two.
  const found = Object.entries(record.fields ?? {}).filter(([name]) => own.every(([taken]) => taken !== name))
  const all = [...own, ...found]
  return all.flatMap(([name, value]) => (value === undefined ? [] : [`${keyText(name)}=${valueText(value)}`])).join(' ')
}

function keyText(name: string): string {
  return name.replace(/[\s="\x00-\x1f]/g, '_')
}

function valueText(value: unknown): string {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  return text === '' || /[\s="\\\x00-\x1f\x7f-\x9f]/.test(text) ? JSON.stringify(text) : text
}
