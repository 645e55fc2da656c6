import type { Body } from './body.ts'

/** Where a document goes. */
export interface Target {
  readonly index: string
  readonly id: string
}

/**
 * How documents are written. Tens of thousands of lines are under way at a time, so what can be told from a document itself takes no memory of
 * its own.
 */
export interface Form<D extends Target> {
  /** `create` takes each id once, `index` replaces what is there. */
  readonly action: 'create' | 'index'
  /** Bytes of the document, roughly. */
  size(document: D): number
  /** Writes the document, JSON on one line; anew at each try, so that what waits takes no memory. */
  write(body: Body, document: D): void
}

/** A document whose JSON is ready. */
export interface TextDocument extends Target {
  readonly text: string
}

/** How such documents are written. */
export function textForm(action: Form<TextDocument>['action']): Form<TextDocument> {
  return { action, size: ({ text }) => text.length, write: (body, { text }) => body.text(text) }
}
