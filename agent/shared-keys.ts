import { readFileSync } from 'node:fs'
import { SwarmlogsError } from '../shared/errors.ts'

/** Where the shared key comes from: one a line, the first that the server takes is used. A file is read anew at each connect. */
export type SharedKeySource =
  | { readonly kind: 'none' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string }

/** The keys to try, in order; none when there is no source. Throws SWARMLOGS_CONFIG when a source has none. */
export function readSharedKeys(source: SharedKeySource): string[] {
  if (source.kind === 'none') return []
  const text = source.kind === 'text' ? source.text : contentOf(source.path)
  const lines = text.split('\n').map((line) => line.trim())
  const keys = lines.filter((line) => line !== '')
  if (keys.length > 0) return keys
  const place = source.kind === 'text' ? 'the shared key' : source.path
  throw new SwarmlogsError('SWARMLOGS_CONFIG', `cannot use ${place}: it is empty; put the server's shared key there`)
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const message = `cannot read the shared key in ${path}: make it readable for the agent`
    throw new SwarmlogsError('SWARMLOGS_CONFIG', message, { cause })
  }
}
