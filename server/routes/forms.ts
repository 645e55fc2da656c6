import { Problem } from '../problem.ts'

/** The forms that a search can be answered in, the default first. */
export const FORMS = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  text: 'text/plain',
  multiplexed: 'application/vnd.docker.multiplexed-stream',
  archive: 'application/vnd.swarmlogs.archive',
} as const
/** The parameter of Docker's stream by which a client asks for a last frame of ours. */
const TRAILER = 'trailer=completeness'
/** The parameter of NDJSON by which a client asks for lines with what people noted. */
const NOTES = 'with=annotations'
export type Form = keyof typeof FORMS

/** The form that an Accept header prefers; JSON when it does not mind. Throws a Problem (406) when it takes none of ours. */
export function preferredForm(accept: string | undefined): Form {
  if (accept === undefined || accept.trim() === '') return 'json'
  const wanted = accept
    .split(',')
    .map(readRange)
    .filter(({ quality }) => quality > 0)
  wanted.sort((a, b) => b.quality - a.quality)
  for (const { range } of wanted) {
    for (const [form, type] of Object.entries(FORMS)) if (covers(range, type)) return form as Form
  }
  const message = `cannot answer as ${accept.slice(0, 200)}: accept ${Object.values(FORMS).join(', ')}`
  throw new Problem('SWARMLOGS_USAGE', 406, { code: 'not_acceptable', message })
}

/** Whether an Accept header asks for a last frame of Docker's stream that tells of what is missing; docker's own clients know none. */
export function wantsTrailer(accept: string | undefined): boolean {
  return hasParameter(accept, TRAILER)
}

/** Whether an Accept header asks for notes as lines of NDJSON; older clients would take them for records. */
export function wantsNotes(accept: string | undefined): boolean {
  return hasParameter(accept, NOTES)
}

function hasParameter(accept: string | undefined, wanted: string): boolean {
  const [, ...parameters] = accept?.toLowerCase().split(/[;,]/) ?? []
  return parameters.some((parameter) => parameter.trim() === wanted)
}

function readRange(text: string): { range: string; quality: number } {
  const [range = '', ...parameters] = text
    .toLowerCase()
    .split(';')
    .map((part) => part.trim())
  const quality = parameters.find((parameter) => parameter.startsWith('q='))
  return { range, quality: quality === undefined ? 1 : Number(quality.slice(2)) || 0 }
}

function covers(range: string, type: string): boolean {
  return range === '*/*' || range === type || (range.endsWith('/*') && type.startsWith(range.slice(0, -1)))
}
