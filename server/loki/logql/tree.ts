/*
 * A LogQL query as a tree: what server/loki/logql/parse.ts makes of text, and the evaluator works with.
 */

export type MatchOperator = '=' | '!=' | '=~' | '!~'

/** A label compares so with a text; a label that is missing is ''. Regexes match the whole value. */
export interface Matcher {
  readonly label: string
  readonly by: MatchOperator
  readonly value: string
}

export type LineOperator = '|=' | '!=' | '|~' | '!~'

/** One of the texts (regexes) is in the line; with `!=` and `!~` none of them is. */
export interface LineTest {
  readonly by: LineOperator
  readonly texts: readonly string[]
}

export type Comparison = '==' | '!=' | '>' | '>=' | '<' | '<='

/** What a label must be for its line to be kept. */
export type LabelTest =
  | { readonly kind: 'match'; readonly matcher: Matcher }
  | {
      readonly kind: 'number'
      readonly label: string
      readonly by: Comparison
      /** Seconds for durations. */
      readonly value: number
      readonly unit: 'number' | 'duration' | 'bytes'
    }
  | { readonly kind: 'and' | 'or'; readonly of: readonly LabelTest[] }

/** Text with values of labels in it: `{{.name}}`. */
export type Template = readonly (string | { readonly label: string })[]

/** What is done with each line, in order. */
export type Stage =
  | { readonly kind: 'line'; readonly test: LineTest }
  /** Makes labels of the line's fields: of all, or of those in `only` under other names. */
  | {
      readonly kind: 'json' | 'logfmt'
      readonly only: readonly { readonly label: string; readonly path: string }[]
    }
  | { readonly kind: 'filter'; readonly test: LabelTest }
  | { readonly kind: 'line_format'; readonly template: Template }
  | { readonly kind: 'label_format'; readonly changes: readonly LabelChange[] }
  /** Labels that match nothing are not dropped (kept). */
  | {
      readonly kind: 'drop' | 'keep'
      readonly labels: readonly { readonly label: string; readonly matcher?: Matcher }[]
    }
  | { readonly kind: 'decolorize' }

/** A label gets the value of a template, or is another one under a new name. */
export interface LabelChange {
  readonly label: string
  readonly to: { readonly rename: string } | { readonly template: Template }
}

/** Lines: those of some streams, run through stages. */
export interface LogQuery {
  readonly kind: 'log'
  readonly matchers: readonly Matcher[]
  readonly stages: readonly Stage[]
}

export const RANGE_OPERATORS = ['count_over_time', 'rate', 'bytes_over_time', 'bytes_rate'] as const
export type RangeOperator = (typeof RANGE_OPERATORS)[number]

/** Which labels a result keeps. */
export interface Grouping {
  readonly kind: 'by' | 'without'
  readonly labels: readonly string[]
}

/** Lines of a window that ends `offset` before each step, counted. */
export interface RangeQuery {
  readonly kind: 'range'
  readonly by: RangeOperator
  readonly query: LogQuery
  /** Nanoseconds. */
  readonly range: bigint
  readonly offset: bigint
}

export const AGGREGATIONS = ['sum', 'count', 'min', 'max', 'avg', 'topk'] as const
export type Aggregation = (typeof AGGREGATIONS)[number]

export type BinaryOperator = '+' | '-' | '*' | '/' | '%' | '^' | Comparison

/** Numbers over time. */
export type MetricQuery =
  | { readonly kind: 'number' | 'vector'; readonly value: number }
  | RangeQuery
  | {
      readonly kind: 'aggregate'
      readonly by: Aggregation
      readonly grouping?: Grouping
      /** With `topk`: so many. */
      readonly count: number
      readonly of: MetricQuery
    }
  | {
      readonly kind: 'binary'
      readonly by: BinaryOperator
      /** A comparison gives 0 or 1 and drops nothing. */
      readonly isBool: boolean
      readonly left: MetricQuery
      readonly right: MetricQuery
    }

export type LogQl = LogQuery | MetricQuery
