import { errors } from '@elastic/elasticsearch'

/** What an error of a request means for us. */
export type Failure =
  /** Nobody answers, or not as Elasticsearch does, or it cannot just now. */
  | 'away'
  | 'certificate'
  | 'credentials'
  | 'forbidden'
  /** It asks to be asked again later. */
  | 'busy'
  /** The request was larger than the cluster, or something in between, takes. */
  | 'too-large'
  | 'missing'
  | 'aborted'
  | 'refused'

const CERTIFICATE =
  /self[- ]signed|certificate|CERT_|ERR_TLS|UNABLE_TO_(VERIFY|GET_ISSUER)|altname|wrong version number|EPROTO/i

const BY_STATUS: Readonly<Record<number, Failure>> = {
  401: 'credentials',
  403: 'forbidden',
  404: 'missing',
  413: 'too-large',
  429: 'busy',
}

/** Sorts an error of a request. */
export function failureOf(error: unknown): Failure {
  if (error instanceof errors.ResponseError) {
    const status = error.statusCode ?? 0
    // An index that was made read-only answers 403, as somebody without the privilege gets it.
    if (typeOf(error) === 'cluster_block_exception') return 'away'
    return BY_STATUS[status] ?? (status >= 500 || status < 400 ? 'away' : 'refused')
  }
  if (error instanceof errors.RequestAbortedError)
    return /maximum allowed/.test(error.message) ? 'too-large' : 'aborted'
  if (error instanceof Error && CERTIFICATE.test(`${error.message} ${codeOf(error)}`)) return 'certificate'
  return 'away'
}

/** Why a request failed, in one line. */
export function messageOf(error: unknown): string {
  if (error instanceof errors.ResponseError) return `Elasticsearch answered ${error.statusCode}: ${reasonOf(error)}`
  if (error instanceof errors.DeserializationError) return 'something that is not Elasticsearch answered'
  if (error instanceof errors.ProductNotSupportedError) return 'something that is not Elasticsearch answered'
  if (error instanceof errors.NoLivingConnectionsError) return 'no node of the cluster answers'
  if (error instanceof errors.TimeoutError) return 'Elasticsearch did not answer in time'
  const message = error instanceof Error ? error.message : String(error)
  return message.split('\n', 1)[0] ?? ''
}

/** Whether the connection ended while the request was being sent. */
export function isCutOff(error: unknown): boolean {
  if (!(error instanceof errors.ConnectionError)) return false
  return /EPIPE|ECONNRESET|other side closed|socket hang up/.test(`${error.message} ${codeOf(error)}`)
}

/** The type that Elasticsearch gives an error in its answer; '' when the answer has none. */
export function typeOf(error: unknown): string {
  const body: unknown = error instanceof errors.ResponseError ? error.body : undefined
  const type = memberOf(memberOf(body, 'error'), 'type')
  return typeof type === 'string' ? type : ''
}

function reasonOf(error: errors.ResponseError): string {
  const reason = memberOf(memberOf(error.body, 'error'), 'reason')
  if (typeof reason === 'string') return reason.split('\n', 1)[0] ?? ''
  return typeof error.body === 'object' ? JSON.stringify(error.body).slice(0, 200) : 'with a page that is not its own'
}

function codeOf(error: Error): string {
  const code = memberOf(error, 'code') ?? memberOf(error.cause, 'code')
  return typeof code === 'string' ? code : ''
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined
}
