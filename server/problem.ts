import { closest, distance } from 'fastest-levenshtein'
import type { FastifyError, FastifySchemaValidationError } from 'fastify'
import type { ApiProblem } from '../shared/api/basics.ts'
import { type ErrorCode, SwarmlogsError } from '../shared/errors.ts'
import { QueryError } from '../shared/query/error.ts'

/** An error that is answered with its own status and body. */
export class Problem extends SwarmlogsError {
  readonly status: number
  readonly body: ApiProblem

  constructor(code: ErrorCode, status: number, error: ApiProblem['error'], options?: ErrorOptions) {
    super(code, error.message, options)
    this.status = status
    this.body = { error }
  }
}

/** The problem with a parameter; the message says what would be right. */
export function badParameter(parameter: string, message: string, options?: ErrorOptions): Problem {
  return new Problem('SWARMLOGS_USAGE', 400, { code: 'bad_parameter', message, parameter }, options)
}

/** The problem of an answer that the end of the server cuts off. */
export function serverStops(): Problem {
  const message = 'cannot finish this answer because the server stops: try again when it is back'
  return new Problem('SWARMLOGS_STORE_UNAVAILABLE', 503, { code: 'store_unavailable', message })
}

/** Makes of fastify's word that it cannot read a body one that names the types that the address takes; undefined for any other error. */
export function wrongBodyType(
  error: unknown,
  given: string | undefined,
  types: readonly string[] = ['application/json'],
): Problem | undefined {
  if ((error as Partial<FastifyError> | null)?.code !== 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return undefined
  const what = given === undefined ? 'without a Content-Type' : `of Content-Type ${quote(given)}`
  const message = `cannot read a body ${what}: send it as ${types.join(' or ')}`
  return new Problem('SWARMLOGS_USAGE', 415, { code: 'bad_request', message }, { cause: error })
}

/** Runs what reads a parameter; what it finds wrong is the problem with that parameter. */
export function ofParameter<Value>(parameter: string, read: () => Value): Value {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof SwarmlogsError)) throw cause
    const problem = badParameter(parameter, cause.message, { cause })
    if (cause instanceof QueryError) problem.body.error.at = cause.at + 1
    throw problem
  }
}

const STATUS: Partial<Record<ErrorCode, { status: number; code: string }>> = {
  SWARMLOGS_USAGE: { status: 400, code: 'bad_request' },
  SWARMLOGS_NOT_FOUND: { status: 404, code: 'not_found' },
  SWARMLOGS_LIMIT: { status: 503, code: 'too_busy' },
  SWARMLOGS_UNAUTHORIZED: { status: 401, code: 'unauthorized' },
}

/** The problem that stands for any error; what is not ours to explain is `internal`. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  const options = { cause: error }
  if (error instanceof SwarmlogsError) {
    const { status, code } = STATUS[error.code] ?? { status: 503, code: 'store_unavailable' }
    return new Problem(error.code, status, { code, message: error.message }, options)
  }
  const status = (error as Partial<FastifyError> | null)?.statusCode
  if (error instanceof Error && status !== undefined && status >= 400 && status < 500) {
    return new Problem(
      'SWARMLOGS_USAGE',
      status,
      { code: 'bad_request', message: `cannot serve this request: ${error.message}` },
      options,
    )
  }
  const message =
    'cannot answer because of an error in the server: its log has the details; try again, and report it if it stays'
  return new Problem('SWARMLOGS_PROTOCOL', 500, { code: 'internal', message }, options)
}

/** The parts of a parameter's schema that say what would be right. */
interface Rule {
  readonly type?: string
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, unknown>>
}

/** The problem that a schema check found, for fastify's schemaErrorFormatter; needs Ajv's `verbose`. */
export function problemOfValidation(errors: readonly FastifySchemaValidationError[]): Problem {
  const error = errors[0] as (FastifySchemaValidationError & { parentSchema?: Rule; data?: unknown }) | undefined
  if (error === undefined) throw new Error('BUG: validation failed without an error')
  const rule = error.parentSchema ?? {}
  if (error.keyword === 'additionalProperties') return unknownParameter(String(error.params.additionalProperty), rule)
  if (error.keyword === 'required') return missingParameter(String(error.params.missingProperty), error.parentSchema)
  const name = error.instancePath.split('/')[1] ?? ''
  if (name === '') return notAnObject()
  return badParameter(name, `cannot use ${name}=${quote(error.data)}: ${remedy(error, rule)}`)
}

function missingParameter(name: string, rule: Rule = {}): Problem {
  const { description = '' } = (rule.properties?.[name] ?? {}) as { description?: string }
  return badParameter(name, `cannot answer without ${name}: give it (${description.replace(/\.$/, '')})`)
}

function notAnObject(): Problem {
  const message = 'cannot use this body: send the parameters as one JSON object'
  return new Problem('SWARMLOGS_USAGE', 400, { code: 'bad_request', message })
}

function unknownParameter(name: string, rule: Rule): Problem {
  const known = Object.keys(rule.properties ?? {})
  if (known.length === 0) return badParameter(name, `cannot use the parameter ${quote(name)}: this address takes none`)
  const likest = closest(name, known)
  const hint = distance(name, likest) <= 2 ? `did you mean ${likest}? ` : ''
  return badParameter(name, `cannot use the parameter ${quote(name)}: ${hint}right are ${known.join(', ')}`)
}

function remedy({ keyword, params }: FastifySchemaValidationError, rule: Rule): string {
  if (rule.enum !== undefined) return `give ${rule.enum.join(' or ')}`
  if (rule.type === 'boolean') return 'give true or false'
  if (rule.type === 'integer' || rule.type === 'number') {
    return `give a ${rule.type === 'integer' ? 'whole ' : ''}number from ${rule.minimum ?? 0}${rule.maximum === undefined ? ' on' : ` to ${rule.maximum}`}`
  }
  if (keyword === 'type') return 'give it once'
  if (keyword === 'maxItems') return `give it at most ${String(params.limit)} times`
  if (keyword === 'minLength') return 'give a value or leave it out'
  if (keyword === 'maxLength') return `give at most ${String(params.limit)} characters`
  if (keyword === 'pattern') return `give text that matches ${String(params.pattern)}`
  return 'see /docs for what it can be'
}

/** The value as given, cut so that an answer stays readable. */
function quote(value: unknown): string {
  const text = Array.isArray(value) ? value.join(',') : String(value)
  return `'${text.length > 100 ? `${text.slice(0, 100)}...` : text}'`
}
