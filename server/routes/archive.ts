import { once } from 'node:events'
import type { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { ApiArchive, ApiVerified } from '../../shared/api/archive.ts'
import { apiDay, apiHold, apiVerified } from '../archive/api.ts'
import type { Archive, ArchivedDay } from '../archive/archive.ts'
import type { Hold } from '../archive/folder.ts'
import { MANIFEST, membersOf } from '../archive/manifest.ts'
import type { Context } from '../context.ts'
import { Problem, problemOf } from '../problem.ts'
import {
  archiveSchema,
  fileSchema,
  keepSchema,
  releaseSchema,
  removeSchema,
  verifySchema,
} from './archive-documents.ts'
import { sendStreamed } from './streamed.ts'

/** /api/v1/archive: days that are archived. */
export function archiveRoutes(context: Context): FastifyPluginAsyncTypebox {
  const archive = (): Archive => context.store.archive ?? noArchive(context.store.kind)
  return async (app) => {
    app.get('/archive', { schema: archiveSchema }, () => listed(archive()))
    app.post('/archive/:day/verify', { schema: verifySchema }, async ({ params: { day } }, reply) => {
      const found = await find(archive(), day)
      reply.type('application/x-ndjson')
      return sendStreamed(context, reply, (signal) => verified(archive(), found, signal))
    })
    app.get(
      '/archive/:day/:file',
      { schema: fileSchema, compress: false },
      async ({ params: { day, file } }, reply) => {
        const { manifest } = await find(archive(), day)
        const member = membersOf(manifest).find(({ name }) => name === file)
        if (member === undefined && file !== MANIFEST) throw noSuchFile(day, file)
        const content = await opened(await archive().read(day, file), file)
        reply.type('application/octet-stream')
        if (member !== undefined) reply.header('content-length', member.bytes)
        try {
          return await sendStreamed(context, reply, (signal) => exactly(content, member?.bytes, signal))
        } catch (error) {
          content.destroy()
          throw error
        }
      },
    )
    app.delete('/archive/:day', { schema: removeSchema }, async ({ params: { day } }) => {
      const { hold } = await find(archive(), day)
      if (hold !== undefined) throw onHold(hold)
      await archive().remove(day)
      return { removed: true as const }
    })
    app.put('/archive/:day/hold', { schema: keepSchema }, async ({ params: { day }, body: { reason } }) => {
      await archive().keep([day], reason)
      const hold = (await archive().holds()).find((one) => one.day === day)
      return hold === undefined ? notOnHold(day) : apiHold(hold)
    })
    app.delete('/archive/:day/hold', { schema: releaseSchema }, async ({ params: { day } }) => {
      if (!(await archive().holds()).some((hold) => hold.day === day)) notOnHold(day)
      await archive().release([day])
      return { released: true as const }
    })
  }
}

async function listed(archive: Archive): Promise<ApiArchive> {
  const [days, holds] = await Promise.all([archive.list(), archive.holds()])
  return {
    place: archive.place,
    days: days.map(apiDay),
    holds: holds.map(apiHold),
    damaged: [...archive.damaged],
  }
}

async function find(archive: Archive, day: string): Promise<ArchivedDay> {
  const found = (await archive.list()).find(({ manifest }) => manifest.day === day)
  if (found !== undefined) return found
  const message = `cannot find ${day} in the archive: swarmlogs archive ls tells which days are archived`
  throw new Problem('SWARMLOGS_NOT_FOUND', 404, { code: 'not_archived', message, parameter: 'day' })
}

async function* verified(archive: Archive, { manifest }: ArchivedDay, signal: AbortSignal): AsyncGenerator<Buffer> {
  const line = (told: ApiVerified): Buffer => Buffer.from(`${JSON.stringify(told)}\n`)
  try {
    for await (const looked of archive.verify(manifest.day, signal)) yield line(apiVerified(manifest, looked))
    yield line({ end: true })
  } catch (error) {
    const { code, message } = problemOf(error).body.error
    yield line({ error: { code, message } })
  }
}

/** The content, once it could be opened. */
async function opened(content: Readable, file: string): Promise<Readable> {
  try {
    await once(content, 'readable')
    return content
  } catch (cause) {
    const message = `cannot read ${file}: it is not there any more, or damaged; swarmlogs archive verify tells more`
    throw new Problem('SWARMLOGS_STORE_DAMAGED', 503, { code: 'store_damaged', message }, { cause })
  }
}

/** Pieces of so many bytes in all; an answer that would have more or fewer is cut off, as its length is told before. */
async function* exactly(content: Readable, bytes: number | undefined, signal: AbortSignal): AsyncGenerator<Buffer> {
  let read = 0
  for await (const piece of content as AsyncIterable<Buffer>) {
    signal.throwIfAborted()
    read += piece.length
    if (bytes !== undefined && read > bytes) break
    yield piece
  }
  if (bytes !== undefined && read !== bytes) throw new Error('the file is damaged: it has another size')
}

function noArchive(kind: string): never {
  const message = `cannot tell of archived days: the ${kind} store of this server archives none`
  throw new Problem('SWARMLOGS_NOT_FOUND', 404, { code: 'no_archive', message })
}

function noSuchFile(day: string, file: string): Problem {
  const message = `cannot fetch '${file}': the archived ${day} has no such file; its manifest.json names all`
  return new Problem('SWARMLOGS_NOT_FOUND', 404, { code: 'no_such_file', message, parameter: 'file' })
}

function onHold({ day, reason }: Hold): Problem {
  const message = `cannot delete ${day} from the archive: it is kept (${reason}); release it first`
  return new Problem('SWARMLOGS_USAGE', 409, { code: 'on_hold', message, parameter: 'day' })
}

function notOnHold(day: string): never {
  const message = `cannot release ${day}: it is not kept`
  throw new Problem('SWARMLOGS_NOT_FOUND', 404, { code: 'not_on_hold', message, parameter: 'day' })
}
