import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import type { ApiIngested } from '../../shared/api/answers.ts'
import type { Context } from '../context.ts'
import { Refusal } from '../input/forward/refusal.ts'
import { Intake, type Taken } from '../input/ndjson/intake.ts'
import { type Labels, Streams } from '../input/ndjson/labels.ts'
import { BODIES, COMPRESSED_BODIES } from '../input/ndjson/limits.ts'
import { type Compression, linesOf, TooLarge } from '../input/ndjson/lines.ts'
import { Problem, problemOf } from '../problem.ts'
import { Slots } from '../slots.ts'
import { type IngestParameters, ingestBody, ingestSchema, MEDIA_TYPES } from './ingest-documents.ts'

/** POST /api/v1/ingest: lines of senders that speak no forward protocol. */
export function ingestRoute(context: Context): FastifyPluginAsyncTypebox {
  const slots = new Slots(BODIES, 'bodies of lines')
  const compressedSlots = new Slots(COMPRESSED_BODIES, 'compressed bodies')
  return async (app) => {
    app.removeAllContentTypeParsers()
    app.addContentTypeParser([...MEDIA_TYPES], (_request, payload, done) => done(null, payload))
    app.post(
      '/ingest',
      { schema: ingestSchema, config: { body: ingestBody, bodyTypes: MEDIA_TYPES } },
      async (request): Promise<ApiIngested> => {
        const compression = compressionOf(request)
        const releases = [slots.take()]
        try {
          if (compression !== undefined) releases.push(compressedSlots.take())
          const { accepted, rejected, expired, errors } = await take(context, request, compression)
          context.metrics.took('ndjson', accepted)
          if (accepted + expired === 0 && rejected > 0) throw nothingTaken(rejected, errors)
          return { accepted, rejected, errors: [...errors], ...(expired > 0 && { expired: leftOut(expired) }) }
        } finally {
          for (const release of releases) release()
        }
      },
    )
  }
}

async function take(context: Context, request: FastifyRequest, compression: Compression): Promise<Taken> {
  const parameters = request.query as IngestParameters
  const key = request.headers['idempotency-key']
  const labels = labelsOf(parameters)
  const intake = new Intake({
    ingest: context.ingestor,
    streams: new Streams(labels, request.ip),
    source: parameters.source ?? 'stdout',
    now: context.now(),
    // The same lines with other labels are other lines.
    key: typeof key === 'string' && key !== '' ? JSON.stringify([key, labels, parameters.source]) : '',
  })
  try {
    for await (const line of linesOf(request.raw, compression)) await intake.take(line)
    return await intake.end()
  } catch (error) {
    throw problemOfBody(error, request)
  }
}

function labelsOf({ source: _, ...labels }: IngestParameters): Labels {
  const { node, task, container, ...others } = labels
  return {
    ...others,
    ...(node !== undefined && { nodeName: node }),
    ...(task !== undefined && { taskName: task }),
    ...(container !== undefined && { containerName: container }),
  }
}

function compressionOf({ headers }: FastifyRequest): Compression {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? ''
  if (encoding === '' || encoding === 'identity') return undefined
  if (encoding === 'gzip' || encoding === 'x-gzip') return 'gzip'
  if (encoding === 'zstd') return 'zstd'
  const message = `cannot read a body of Content-Encoding ${encoding.slice(0, 100)}: send it as gzip, zstd or as it is`
  throw new Problem('SWARMLOGS_USAGE', 415, { code: 'bad_request', message })
}

/** What is behind the failure was not taken; what is before it may have been. */
function problemOfBody(error: unknown, { raw }: FastifyRequest): Problem {
  if (error instanceof TooLarge)
    return new Problem('SWARMLOGS_LIMIT', 413, { code: 'too_large', message: error.message }, { cause: error })
  if (error instanceof Refusal) return badBody(error.message, error)
  if (raw.readableAborted) return badBody('cannot take the rest of a body that was cut off: send it again', error)
  return problemOf(error)
}

function badBody(message: string, cause?: unknown): Problem {
  return new Problem('SWARMLOGS_USAGE', 400, { code: 'bad_request', message }, { cause })
}

function leftOut(lines: number) {
  return {
    lines,
    message: 'cannot keep lines that are older than the retention: start the server with a longer --retention',
  }
}

function nothingTaken(rejected: number, [first]: Taken['errors']): Problem {
  return badBody(`cannot take any of ${rejected} lines; line ${first?.line}: ${first?.message}`)
}
