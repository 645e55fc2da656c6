import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../context.ts'
import { knownCount } from '../query/question.ts'
import { ask } from './asking.ts'
import { isFinal } from './final.ts'
import { FORMS, preferredForm } from './forms.ts'
import { writeHeaders } from './headers.ts'
import { searchSchema } from './log-documents.ts'
import { page } from './search-page.ts'
import { queryOf, readSearch } from './search-reading.ts'
import { STREAMS } from './search-streams.ts'
import { clientGone, sendStreamed } from './streamed.ts'
import { httpTrailer } from './trailers.ts'

/** /api/v1/search. */
export function searchRoute(context: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    ask(app, '/search', searchSchema, async ({ parameters, request, reply }) => {
      const start = performance.now()
      const { accept } = request.headers
      const form = preferredForm(accept)
      reply.raw.once('close', () => context.metrics.answered(`search_${form}`, (performance.now() - start) / 1000))
      const search = await readSearch(context, form, parameters, accept)
      const { question, missing } = search
      writeHeaders(context, question, reply)
      const count = search.isEvents ? undefined : knownCount(question)
      if (count !== undefined) reply.header('swarmlogs-records', count)
      reply.header('content-type', form === 'text' ? 'text/plain; charset=utf-8' : FORMS[form])
      if (form === 'json') {
        const text = await page(context, search, clientGone(reply))
        // What comes behind the end may still belong to an event.
        const isWhole = request.method !== 'POST' && search.budget.stopped === undefined && !search.isEvents
        reply.hasNotes = true
        reply.isFinal = isWhole && isFinal(context, parameters, question, missing)
        return text
      }
      if (form === 'text')
        reply.trailer('swarmlogs-completeness', () => httpTrailer(context, missing, queryOf(search, true)))
      return sendStreamed(context, reply, (signal) => STREAMS[form](context, search, signal))
    })
  }
}
