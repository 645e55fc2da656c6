import type { Gap } from '../../shared/gap.ts'
import type { LogRecord } from '../../shared/record.ts'
import type { Due, Pace, Timed } from '../replay.ts'
import { Stamper } from './stamp.ts'

type Item = Timed & ({ readonly record: LogRecord } | { readonly gap: Gap })

/** What time is given to what it is the turn of. */
export type Retime = (due: Due<Timed>) => bigint

/** Has lines be of now: of the moment of their turn, or, where there are no pauses, as if the time up to `until` ended now. */
export function retimer({ speed }: Pace, until: bigint): Retime {
  const now = BigInt(Date.now()) * 1_000_000n
  if (speed === Number.POSITIVE_INFINITY) return ({ item }) => item.ns + now - until
  return ({ offsetMs }) => now + BigInt(Math.round(offsetMs * 1_000_000))
}

/** Makes of what it is the turn of what is sent: lines and gaps as of an agent. @param isForeign whether another sender sent a line. */
export async function* sendable(
  played: AsyncIterable<readonly Due<Item>[]>,
  isForeign: (record: LogRecord) => boolean,
  retime: Retime = ({ item }) => item.ns,
): AsyncGenerator<{ records: LogRecord[]; gaps: Gap[] }> {
  const stamper = new Stamper(isForeign)
  for await (const due of played) {
    const records: LogRecord[] = []
    const gaps: Gap[] = []
    for (const one of due) {
      const { item } = one
      const time = retime(one)
      if ('record' in item) records.push(stamper.recordOf(item.record, time))
      else gaps.push(moved({ ...item.gap, stream: stamper.streamOf(item.gap.stream) }, time - item.ns))
    }
    yield { records, gaps }
  }
}

function moved(gap: Gap, by: bigint): Gap {
  return { ...gap, from: gap.from + by, to: gap.to + by }
}
