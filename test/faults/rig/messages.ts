import { Unpackr } from 'msgpackr'
import type { Link } from './network.ts'

/** A whole message as it goes over the wire. */
export interface Message {
  readonly value: unknown
  readonly bytes: Buffer
}

/** Finds whole messages in one direction of the links, whatever pieces their bytes come in; those that a piece makes whole. */
export function wholeMessages(): (piece: Buffer, link: Link) => Message[] {
  const rests = new Map<Link, Buffer>()
  const unpackr = new Unpackr({ useRecords: false })
  return (piece, link) => {
    const all = Buffer.concat([rests.get(link) ?? Buffer.alloc(0), piece])
    const found: Message[] = []
    let whole = 0
    try {
      unpackr.unpackMultiple(all, (value: unknown, start = 0, end = 0) => {
        found.push({ value, bytes: all.subarray(start, end) })
        whole = end
      })
    } catch {
      // The rest of the last message comes later.
    }
    rests.set(link, all.subarray(whole))
    return found
  }
}
