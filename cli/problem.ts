import type { ApiProblem } from '../shared/api/basics.ts'
import { SwarmlogsError } from '../shared/errors.ts'

const MAX_NAMES = 10
const IS_UP = 'is the server up?'

/** The error for an answer that is not 2xx. */
export function problemOf(status: number, body: string, address: string, hasToken: boolean): SwarmlogsError {
  if (status === 401) return new SwarmlogsError('SWARMLOGS_UNAUTHORIZED', unauthorized(address, hasToken))
  const problem = parse(body)
  if (problem === undefined) {
    const hint =
      status >= 500
        ? 'look into its log'
        : 'is it a swarmlogs server? check --url or SWARMLOGS_URL; swarmlogs doctor tells more'
    return new SwarmlogsError('SWARMLOGS_PROTOCOL', `cannot use the answer of ${address}: it is ${status}; ${hint}`)
  }
  if (problem.code === 'no_such_address' || problem.code === 'wrong_method')
    return new SwarmlogsError('SWARMLOGS_PROTOCOL', older(address))
  if (status === 404) return new SwarmlogsError('SWARMLOGS_NOT_FOUND', problem.message + names(problem))
  if (status === 400) return new SwarmlogsError('SWARMLOGS_USAGE', problem.message)
  return new SwarmlogsError('SWARMLOGS_STORE_UNAVAILABLE', problem.message)
}

/** The error for a connection that could not be made. */
export function unreachable(address: string, cause: unknown): SwarmlogsError {
  // Node adds advice of its own to some messages.
  const reason = reasonOf(cause).split(';')[0]
  const next = remedy(String((cause as NodeJS.ErrnoException).code ?? ''))
  return new SwarmlogsError('SWARMLOGS_SERVER_UNAVAILABLE', `cannot reach ${address}: ${reason}; ${next}`, { cause })
}

function remedy(code: string): string {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return "use a name that is in the server's certificate"
  if (/WRONG_VERSION|EPROTO/.test(code)) return 'is it http rather than https?'
  if (/CERT|SIGNATURE|ISSUER/.test(code)) return 'give the certificate authority with --tls-ca or SWARMLOGS_TLS_CA'
  return `${IS_UP} swarmlogs doctor checks; --url or SWARMLOGS_URL name another one`
}

/** Throws an error anew; one of a server that is away names what remains. */
export function orDirect(error: unknown): never {
  // One that a certificate or a broken answer makes is no reason to leave the server.
  if (!(error instanceof SwarmlogsError) || !error.message.includes(IS_UP)) throw error
  throw new SwarmlogsError(error.code, `${error.message}; --direct reads from Docker itself`, { cause: error })
}

/** The error for an answer whose connection broke before its end. */
export function brokenOff(address: string, cause: unknown): SwarmlogsError {
  const message = `cannot show all lines: the connection to ${address} broke off (${reasonOf(cause)}); ask again`
  return new SwarmlogsError('SWARMLOGS_SERVER_UNAVAILABLE', message, { cause })
}

function unauthorized(address: string, hasToken: boolean): string {
  if (hasToken)
    return `cannot read from ${address}: it does not take this token; check SWARMLOGS_TOKEN or SWARMLOGS_TOKEN_FILE`
  return `cannot read from ${address}: it wants a token; set SWARMLOGS_TOKEN or SWARMLOGS_TOKEN_FILE, or give --token-file`
}

function older(address: string): string {
  return `cannot ask ${address} this: the server is older than this program; \`swarmlogs version\` shows both, update the server`
}

function parse(body: string): ApiProblem['error'] | undefined {
  try {
    const { error } = JSON.parse(body) as Partial<ApiProblem>
    return typeof error?.message === 'string' && typeof error.code === 'string' ? error : undefined
  } catch {
    return undefined
  }
}

function names({ message, nearest = [], known = [] }: ApiProblem['error']): string {
  const isSaid = (name: string) => message.includes(name)
  if (nearest.length > 0) return nearest.every(isSaid) ? '' : `; the nearest: ${nearest.join(', ')}`
  if (known.length === 0 || known.every(isSaid)) return ''
  const more = known.length > MAX_NAMES ? ` and ${known.length - MAX_NAMES} more (swarmlogs services)` : ''
  return `; there are: ${known.slice(0, MAX_NAMES).join(', ')}${more}`
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  // Several addresses tried in vain are one error whose message is empty.
  if (cause instanceof AggregateError && cause.message === '') return cause.errors.map(reasonOf).join(', ')
  return cause.message
}
