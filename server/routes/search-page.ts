import type { Context } from '../context.ts'
import { GapPlaces } from '../query/gap-places.ts'
import { recordJson } from '../query/json.ts'
import { find } from './found.ts'
import { cursorAt, queryOf, type Search } from './search-reading.ts'
import { ToldTexts } from './told.ts'

const DEFAULT_LIMIT = 1_000
/** A page ends early rather than hold more than so much text. */
const MAX_PAGE_CHARS = 16 * 1024 * 1024

/** The answer as one JSON document: a page, and the cursor of the next one. */
export async function page(context: Context, search: Search, signal: AbortSignal): Promise<string> {
  const limit = search.limit ?? DEFAULT_LIMIT
  // One more than asked for tells whether this is the end.
  const query = queryOf({ ...search, limit: limit + 1 }, true)
  const places = new GapPlaces(search.missing, search.question, search.order)
  const told = new ToldTexts(context)
  const texts: string[] = []
  let chars = 0
  let last: string | null = null
  let time: bigint | undefined
  const { budget, missing } = search
  for await (const records of meanwhile(find(context, search, query, signal), () => missing.read())) {
    for (const record of records) {
      if (texts.length === limit || chars > MAX_PAGE_CHARS) return pageText(search, texts, told, last)
      told.add(places.before(record))
      time = record.time
      last = cursorAt(search, record)
      const text = recordJson(record, last, context.inventories.clusterOf)
      texts.push(text)
      chars += text.length
    }
  }
  const isStopped = budget.stopped !== undefined
  told.add(places.rest(time, isStopped))
  return pageText(search, texts, told, isStopped ? last : null)
}

/** The items, the first of them looked for while the work is done. */
async function* meanwhile<T>(items: AsyncIterable<T>, work: () => Promise<void>): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]()
  try {
    const [first] = await Promise.all([iterator.next(), work()])
    for (let next = first; !next.done; next = await iterator.next()) yield next.value
  } finally {
    await iterator.return?.()
  }
}

function pageText(
  { missing, budget }: Search,
  records: readonly string[],
  { members }: ToldTexts,
  cursor: string | null,
): string {
  const { stopped } = budget
  const isEnd = cursor === null && stopped === undefined
  return (
    `{"records":[${records.join(',')}],"cursor":${JSON.stringify(cursor)},"end":${isEnd}` +
    `${stopped === undefined ? '' : `,"stopped":${JSON.stringify(stopped)}`}${members},"completeness":${JSON.stringify(missing.completeness())}}`
  )
}
