import type { Body } from './body.ts'

/** One document to write. `create` takes each id once, `index` replaces what is there. */
export interface Operation {
  readonly action: 'create' | 'index'
  readonly index: string
  readonly id: string
  /** Bytes of the document, roughly. */
  readonly size: number
  /** Writes the document, JSON on one line; anew at each try, so that what waits takes no memory. */
  write(body: Body): void
}

/** The operation that writes a text. */
export function writing(target: Pick<Operation, 'action' | 'index' | 'id'>, document: string): Operation {
  return { ...target, size: document.length, write: (body) => body.text(document) }
}
