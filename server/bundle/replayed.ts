import type { Gap } from '../../shared/gap.ts'
import type { LogStream, StoredRecord } from '../../shared/record.ts'
import { gapOf } from '../store/gap-text.ts'
import { FOREIGN_ORDINALS } from '../store/store.ts'
import { type ArchivedEnd, type ArchivedItem, type ArchivedTuple, readArchived } from './line-reader.ts'
import { cutOff, slow } from './take-lines.ts'

/** A line or a gap, and when it was. */
export type Replayed = { readonly ns: bigint } & ({ readonly record: StoredRecord } | { readonly gap: Gap })

/** Whether another sender than an agent sent a line. */
export function isForeign({ ordinal }: Pick<StoredRecord, 'ordinal'>): boolean {
  return ordinal >= FOREIGN_ORDINALS
}

/** All that an archive form of a search tells, in its order, in as many answers as the server needs. */
export async function* readReplayed(
  linesFrom: (cursor: string | null) => Promise<AsyncIterable<Buffer>>,
): AsyncGenerator<Replayed[]> {
  for (let cursor: string | null = null; ; ) {
    const reader = new Reader()
    for await (const items of readArchived(await linesFrom(cursor))) yield reader.take(items)
    if (reader.end === undefined) throw cutOff()
    const { cursor: next, stopped } = reader.end
    if (next === null && stopped === undefined) return
    if (next === null || next === cursor) throw slow(stopped ?? 'the server does not get on')
    cursor = next
  }
}

/** Reads one answer. */
class Reader {
  end: ArchivedEnd | undefined
  readonly #streams = new Map<number, LogStream>()

  take(items: readonly ArchivedItem[]): Replayed[] {
    const taken: Replayed[] = []
    for (const item of items) {
      if (isTuple(item)) taken.push(this.#line(item))
      else if ('labels' in item) this.#streams.set(item.stream, item.labels)
      else if ('gap' in item) taken.push(placed(gapOf(JSON.stringify(item.gap))))
      else if ('end' in item) this.end = item
    }
    return taken
  }

  #line([
    number,
    source,
    time,
    received,
    ordinal,
    level,
    cutFrom,
    headMissing,
    message,
    fields,
  ]: ArchivedTuple): Replayed {
    const stream = this.#streams.get(number)
    if (stream === undefined) throw new Error('BUG: a line of a stream without labels')
    const record = {
      ...{ stream, source, time: BigInt(time), received: BigInt(received), ordinal, level, message, fields, cutFrom },
      ...{ headMissing: headMissing === 1, chunk: '' },
    }
    return { ns: record.time, record }
  }
}

function placed(gap: Gap): Replayed {
  return { ns: gap.from, gap }
}

function isTuple(item: ArchivedItem): item is ArchivedTuple {
  return Array.isArray(item)
}
