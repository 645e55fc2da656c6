import type { ApiArchivedDay, ApiHold, ApiVerified } from '../../shared/api/archive.ts'
import { formatTime } from '../../shared/time.ts'
import type { ArchivedDay, Verified } from './archive.ts'
import type { Hold } from './folder.ts'
import { type DayManifest, membersOf } from './manifest.ts'

/** An archived day, as answers tell of it. */
export function apiDay({ manifest, bytes, hold, damaged }: ArchivedDay): ApiArchivedDay {
  const { day, generation, sealed, lines, messageBytes, streams, gaps, files } = manifest
  return {
    ...{ day, generation, sealed: formatTime(BigInt(sealed)), lines, streams: streams.length, gaps: gaps.length },
    first: formatTime(BigInt(files[0]?.first ?? 0)),
    last: formatTime(BigInt(files.at(-1)?.last ?? 0)),
    ...{ files: membersOf(manifest).length + 1, bytes, message_bytes: messageBytes },
    ...(hold && { hold: apiHold(hold) }),
    damaged: [...damaged],
  }
}

/** A day that is on hold, as answers tell of it. */
export function apiHold({ day, reason, since }: Hold): ApiHold {
  return { day, reason, since: formatTime(BigInt(since)) }
}

/** A file of a day that was looked at, as answers tell of it. */
export function apiVerified({ files }: DayManifest, { name, bytes, why }: Verified): ApiVerified {
  const lines = files.find((file) => file.name === name)?.lines ?? 0
  return { file: name, bytes, lines, ...(why !== '' && { why }) }
}
