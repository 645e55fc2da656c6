import { smaller } from '../bigint.ts'
import type { StoreStatus } from '../store.ts'
import type { Parts } from './parts.ts'
import { bytesOf } from './retention.ts'
import type { Segments } from './segments.ts'

/** What the store has. @param recovering why nothing can be written now; by default the writer knows. */
export function statusOf({ segments, writer, absent }: Parts, recovering: string | undefined): StoreStatus {
  const begins = absent === '' ? beginning(segments) : undefined
  const reason = recovering ?? writer.reason
  return {
    writable: reason === '',
    reason,
    records: segments.all.reduce((sum, segment) => sum + segment.records, 0),
    bytes: bytesOf(segments.all),
    ...(begins === undefined ? {} : { begins }),
    segments: segments.all.length,
    ...(absent !== '' && { absent }),
    damaged: [...new Set([...segments.damaged, ...segments.all.flatMap(({ archived }) => archived?.damaged ?? [])])],
  }
}

/** Time of the oldest line; those whose time is out of all reason say nothing about where the store begins. */
export function beginning(segments: Segments): bigint | undefined {
  const times = (isOdd: boolean): bigint[] =>
    segments.all.filter((segment) => segment.isOdd === isOdd).flatMap((segment) => segment.oldest ?? [])
  const known = times(false)
  const [first, ...others] = known.length > 0 ? known : times(true)
  return first === undefined ? undefined : others.reduce(smaller, first)
}
