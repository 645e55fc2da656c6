/** Labels that all lines of one stream share: what is asked of them alone chooses among streams. */
export const STREAM_LABELS = [
  'cluster',
  'service',
  'stack',
  'task',
  'slot',
  'node',
  'image',
  'container',
  'tag',
] as const
/** Labels that each line has of its own. */
export const LINE_LABELS = ['source', 'level', 'message'] as const

/** A name that the query language knows; every other name is that of a field found in the line. */
export type Label = (typeof STREAM_LABELS)[number] | (typeof LINE_LABELS)[number]

/** The labels by the names that answers have for what they are about. */
export const LABELS_OF_ANSWERS: Readonly<Record<string, Label>> = {
  'service.name': 'service',
  'host.name': 'node',
  'host.id': 'node',
  'container.id': 'container',
  'container.name': 'container',
  'container.image.name': 'image',
  'docker.swarm.cluster.id': 'cluster',
  'docker.swarm.stack.name': 'stack',
  'docker.swarm.task.id': 'task',
  'docker.swarm.task.name': 'task',
  'docker.swarm.task.slot': 'slot',
  'log.level': 'level',
  'log.iostream': 'source',
}

/**
 * What a condition is about. A label that is '' (slot: 0), and a field that the line does not have or has as null, is missing.
 * A field is a member of the flat object `LogRecord.fields` by its dotted name, letter by letter. Its value is a text: of a string what it
 * says, of a number, `true` and `false` what the line has there.
 */
export type Field = { readonly kind: 'label'; readonly name: Label } | { readonly kind: 'field'; readonly name: string }

/**
 * A query as a tree. Conditions are true or false, never unknown: what is missing meets no condition, so `not` of one holds for it.
 * `parseQuery` gives a form of its own: no `and` directly within an `and` (nor `or` within `or`), each with two members or more.
 *
 * Case does not matter (letters compare by `lower` of server/query/filter.ts) but for names of fields, `isExact`, regexes without
 * `isInsensitive`, and the order of strings.
 *
 * A label may have several names, any of which may meet a condition: a service its name with and without its stack's, an image itself
 * and without digest and tag, node, task and container their name and id, a task also `web.1`. By `=` an id is met by its beginning too.
 */
export type Expression =
  /** Every line: the empty query. */
  | { readonly op: 'all' }
  | { readonly op: 'and' | 'or'; readonly of: readonly Expression[] }
  | { readonly op: 'not'; readonly of: Expression }
  | Condition

/** What an expression is made of. */
export type Condition = TextExpression | RegexExpression | CompareExpression | GlobExpression | ExistsExpression

/** The text is somewhere in the message: `word`, `"some words"`, `"Exactly"c`. 1 to 512 characters. */
export interface TextExpression {
  readonly op: 'text'
  readonly text: string
  readonly isExact: boolean
}

/** The RE2 expression matches somewhere in the value: `/timed? out/i`, `path:/^.v2/`. Never about slot and level. */
export interface RegexExpression {
  readonly op: 'regex'
  readonly field: Field
  readonly source: string
  readonly isInsensitive: boolean
}

/**
 * The value compares so. With a number: numbers, and strings that are written as JSON writes one, by value; other values never do.
 * With a string: as text, by `=` as a whole, else in the order of code points. Labels take only `=`, but for `level`, which compares
 * with one of LEVELS in their order, and `slot`, which compares with a number.
 */
export interface CompareExpression {
  readonly op: 'compare'
  readonly field: Field
  readonly by: '=' | '>' | '>=' | '<' | '<='
  readonly value: string | number
  /** Case matters; only for `=` with a string. */
  readonly isExact: boolean
}

/** The pattern matches the whole value: `*` any characters, `?` one (a code point), `\` takes the next as it is. Never about slot and level. */
export interface GlobExpression {
  readonly op: 'glob'
  readonly field: Field
  readonly pattern: string
}

/** The value is not missing: `field:*`. An empty string is there; of a message it says that it is not empty. */
export interface ExistsExpression {
  readonly op: 'exists'
  readonly field: Field
}
