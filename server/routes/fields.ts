import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { ApiFields, ApiValues } from '../../shared/analysis.ts'
import type { Context } from '../context.ts'
import type { FieldsParameters, ValuesParameters } from '../query/analysis-parameters.ts'
import { CountedValues } from '../query/counted-values.ts'
import { countedAll, examine } from '../query/examine.ts'
import { FoundFields, labelFields } from '../query/found-fields.ts'
import { namedField } from '../query/named-field.ts'
import type { Scope } from '../query/query.ts'
import { fieldsSchema, valuesSchema } from './analysis-documents.ts'
import { ask } from './asking.ts'
import { answered, readScope } from './scoped.ts'

/** /api/v1/fields and /api/v1/values: what lines can be chosen by. */
export function fieldsRoutes(context: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    ask(app, '/fields', fieldsSchema, async (asking): Promise<ApiFields> => {
      const { scope, missing } = await readScope(context, asking)
      return answered(context, 'fields', asking.reply, async (signal) => {
        const found = await fields(context, asking.parameters, scope, signal)
        return { ...found, completeness: missing.completeness() }
      })
    })
    ask(app, '/values', valuesSchema, async (asking): Promise<ApiValues> => {
      const { scope, missing } = await readScope(context, asking)
      return answered(context, 'values', asking.reply, async (signal) => {
        const found = await values(context, asking.parameters, scope, signal)
        return { ...found, completeness: missing.completeness() }
      })
    })
  }
}

async function fields(
  { store, inventories }: Context,
  { prefix = '', limit, examine: max }: FieldsParameters,
  scope: Scope,
  signal: AbortSignal,
): Promise<Omit<ApiFields, 'completeness'>> {
  const labels = labelFields(await store.facets(scope, signal), inventories.clusterOf)
  const found = new FoundFields()
  const examined = await examine(store, scope, max, (record) => found.take(record.fields), signal)
  const head = prefix.toLowerCase()
  const all = [...labels, ...found.all()].filter(({ name }) => name.toLowerCase().startsWith(head))
  return { fields: all.slice(0, limit), more: found.isFull || all.length > limit, examined }
}

async function values(
  { store, inventories }: Context,
  { field: name, prefix, limit, examine: max }: ValuesParameters,
  scope: Scope,
  signal: AbortSignal,
): Promise<Omit<ApiValues, 'completeness'>> {
  const field = namedField(name, inventories.clusterOf)
  const counted = new CountedValues()
  if (field.kind === 'line') {
    const examined = await examine(store, scope, max, (record) => counted.add(field.valueOf(record)), signal)
    return { field: name, ...counted.top(limit, prefix), without: counted.without, examined }
  }
  let records = 0
  for (const facet of await store.facets(scope, signal)) {
    counted.add(field.valueOf(facet), facet.records)
    records += facet.records
  }
  return { field: name, ...counted.top(limit, prefix), without: counted.without, examined: countedAll(records) }
}
