import type { Expression } from './ast.ts'
import type * as make from './make.ts'

/** What the grammar calls to build the tree. */
export type Make = Pick<typeof make, 'join' | 'negate' | 'text' | 'word' | 'regex' | 'condition'> & {
  readonly open: (at: number) => void
  readonly close: () => void
}

/** Reads a query; made of grammar.peggy by scripts/build. Throws a GrammarError. */
export function parse(text: string, options: { readonly make: Make }): Expression

/** What `parse` throws, and what could have stood there instead. */
export interface GrammarError extends Error {
  readonly found: string | null
  readonly expected: readonly { readonly type: string; readonly description?: string; readonly text?: string }[]
  readonly location: { readonly start: { readonly offset: number } }
}
declare const Unexpected: { new (): GrammarError }

export { Unexpected as SyntaxError }
