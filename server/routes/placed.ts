import { positionOf, type StoredRecord } from '../../shared/record.ts'
import type { Context } from '../context.ts'
import { Cursors } from '../query/cursor.ts'
import { recordJson } from '../query/json.ts'

/** Writes records with cursors that name their places: for /context, whatever was asked. */
export function placed(
  { store, inventories, commits }: Context,
  { receivedUpTo = commits.lastReceived }: { readonly receivedUpTo?: bigint },
): { text: (record: StoredRecord) => string } {
  const cursors = new Cursors(store.identity.id, 'place')
  return {
    text: (record) => {
      const cursor = cursors.write({ kind: 'search', receivedUpTo, position: positionOf(record) })
      return recordJson(record, cursor, inventories.clusterOf)
    },
  }
}
