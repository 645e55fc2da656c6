import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { ApiFields, ApiValues } from '../../shared/api/analysis.ts'
import type { StoredRecord } from '../../shared/record.ts'
import type { Context } from '../context.ts'
import { eventFacets } from '../events/facets.ts'
import { linesOf } from '../events/lines.ts'
import type { FieldsParameters, ValuesParameters } from '../query/analysis-parameters.ts'
import { CountedValues } from '../query/counted-values.ts'
import { FoundFields, labelFields } from '../query/found-fields.ts'
import { namedField } from '../query/named-field.ts'
import type { Facet } from '../store/store.ts'
import { fieldsSchema, valuesSchema } from './analysis-documents.ts'
import { ask } from './asking.ts'
import { examine } from './examine.ts'
import { answered, inWindows, readScope, type Scoped } from './scoped.ts'

/** /api/v1/fields and /api/v1/values: what lines can be chosen by. */
export function fieldsRoutes(context: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    ask(app, '/fields', fieldsSchema, async (asking): Promise<ApiFields> => {
      const scoped = await readScope(context, asking)
      return answered(context, 'fields', asking.reply, async (signal) => {
        const found = await fields(context, asking.parameters, scoped, signal)
        return { ...found, completeness: scoped.missing.completeness() }
      })
    })
    ask(app, '/values', valuesSchema, async (asking): Promise<ApiValues> => {
      const scoped = await readScope(context, asking)
      return answered(context, 'values', asking.reply, async (signal) => {
        const found = await values(context, asking.parameters, scoped, signal)
        return { ...found, completeness: scoped.missing.completeness() }
      })
    })
  }
}

async function fields(
  context: Context,
  { prefix = '', limit, examine: max }: FieldsParameters,
  scoped: Scoped,
  signal: AbortSignal,
): Promise<Omit<ApiFields, 'completeness'>> {
  const { facets, ...part } = await countFacets(context, scoped, signal)
  const found = new FoundFields()
  const examined = await examine(context, scoped, max, (record) => found.take(record.fields), signal)
  const head = prefix.toLowerCase()
  const labels = labelFields(facets, context.inventories.clusterOf)
  const all = [...labels, ...found.all()].filter(({ name }) => name.toLowerCase().startsWith(head))
  return { fields: all.slice(0, limit), more: found.isFull || all.length > limit, ...part, examined }
}

async function values(
  context: Context,
  { field: name, prefix, limit, examine: max }: ValuesParameters,
  scoped: Scoped,
  signal: AbortSignal,
): Promise<Omit<ApiValues, 'completeness'>> {
  const field = namedField(name, context.inventories.clusterOf)
  const counted = new CountedValues()
  if (field.kind === 'line') {
    const add = (record: StoredRecord): void => counted.add(field.valueOf(record))
    const examined = await examine(context, scoped, max, add, signal)
    return { field: name, ...counted.top(limit, prefix), without: counted.without, examined }
  }
  const { facets, ...part } = await countFacets(context, scoped, signal)
  for (const facet of facets) counted.add(field.valueOf(facet), facet.records)
  const records = facets.reduce((sum, facet) => sum + facet.records, 0)
  const examined = { records, limited: part.stopped !== undefined }
  return { field: name, ...counted.top(limit, prefix), without: counted.without, ...part, examined }
}

async function countFacets(context: Context, scoped: Scoped, signal: AbortSignal) {
  const facets: Facet[] = []
  const part = await inWindows(context, scoped, signal, async (window, until) => {
    const found = scoped.isEvents
      ? await eventFacets(linesOf(context), window, until)
      : await context.store.facets(window, until)
    facets.push(...found)
  })
  return { facets, ...part }
}
