import { SwarmlogsError } from '../../shared/errors.ts'
import type { Line } from './line.ts'
import { COLUMNS, type Look, TINTS } from './look.ts'
import { paramsOf, type Scope, scopeOf } from './scope.ts'

/** Where one begins: what a link brings back, or a line. */
export interface Place {
  readonly scope: Scope
  /** A time to be at (RFC 3339); undefined: the newest lines. */
  readonly at: string | undefined
  /** The line to be at, with what is around it. */
  readonly line?: Line
  readonly look: Partial<Pick<Look, 'columns' | 'tint' | 'wrap' | 'find'>>
}

const PAGE = 'ui'

/** The link to what is shown: the server's address, and no secret. */
export function linkOf(server: string, { scope, at }: Place, look: Look): string {
  const params = paramsOf(scope)
  if (at !== undefined) params.set('at', at)
  if (look.find !== '') params.set('find', look.find)
  if (look.wrap) params.set('wrap', '1')
  params.set('columns', look.columns.join(','))
  params.set('color', look.tint)
  return `${server}/${PAGE}?${params}`
}

/** Takes a link apart. Throws SWARMLOGS_USAGE when it is none. */
export function readLink(link: string): { server: string; place: Place } {
  const url = URL.canParse(link) ? new URL(link) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    const message = `cannot open '${link}': give a link that \`y\` in swarmlogs ui copied, such as http://node1:4280/ui?target=web`
    throw new SwarmlogsError('SWARMLOGS_USAGE', message)
  }
  const { searchParams: params } = url
  const server = `${url.origin}${url.pathname.replace(/\/(ui\/?)?$/, '')}`
  return { server, place: { scope: scopeOf(params), at: params.get('at') ?? undefined, look: lookOf(params) } }
}

function lookOf(params: URLSearchParams): Place['look'] {
  const columns = params.get('columns')?.split(',')
  const tint = TINTS.find((one) => one === params.get('color'))
  return {
    ...(columns !== undefined && { columns: COLUMNS.filter((column) => columns.includes(column)) }),
    ...(tint !== undefined && { tint }),
    ...(params.has('wrap') && { wrap: params.get('wrap') === '1' }),
    ...(params.has('find') && { find: params.get('find') ?? '' }),
  }
}
