import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import Type from 'typebox'
import { makeBackup } from '../backup/write.ts'
import type { Context } from '../context.ts'
import { Problem } from '../problem.ts'
import { NoParameters } from '../query/parameters.ts'
import { answer, problem, problems, withToken } from './documents.ts'
import { sendStreamed } from './streamed.ts'

/** GET /api/v1/backup. */
const backupSchema = {
  operationId: 'backup',
  tags: ['overview'],
  summary: 'All of the store, as it is at this moment',
  description:
    'A tar archive of the files of the embedded store, for `swarmlogs store restore`. All lines that were acked before are in it; lines are taken in meanwhile. One at a time.',
  querystring: NoParameters,
  security: withToken,
  response: {
    200: answer('The archive.', {
      'application/x-tar': {
        schema: Type.String({ contentMediaType: 'application/x-tar' }),
        example: 'catalog.duckdb...',
      },
    }),
    ...problems,
    404: problem(
      'The store is none in a folder.',
      'no_backup',
      'cannot back up this store: use the snapshots of Elasticsearch',
    ),
  },
}

/** GET /api/v1/backup: the store as a file. */
export function backupRoute(context: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get('/backup', { schema: backupSchema }, (_, reply) =>
      sendStreamed(context, reply, (signal) => backup(context, reply, signal)),
    )
  }
}

async function* backup(
  { store, version, now }: Context,
  reply: FastifyReply,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  if (store.snapshot === undefined) throw notThere()
  const snapshot = await store.snapshot()
  try {
    const { bytes, pieces } = makeBackup({ store, snapshot, version, now: now() })
    reply.headers({ 'content-type': 'application/x-tar', 'content-length': bytes })
    for await (const piece of pieces) {
      signal.throwIfAborted()
      yield Buffer.from(piece.buffer, piece.byteOffset, piece.length)
    }
  } finally {
    await snapshot.close()
  }
}

function notThere(): Problem {
  const message = 'cannot back up this store: it is in no folder of this server; use the snapshots of Elasticsearch'
  return new Problem('SWARMLOGS_NOT_FOUND', 404, { code: 'no_backup', message })
}
