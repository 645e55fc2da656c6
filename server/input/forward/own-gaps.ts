import type { OwnGap, RecordsOption } from '../../../shared/forward/own.ts'
import { GAP_REASONS, type Gap } from '../../../shared/gap.ts'
import type { LogStream } from '../../../shared/record.ts'
import { FRAME_GAPS } from './limits.ts'
import { MsgpackReader, type Value } from './reader.ts'
import type { Quarantine } from './record-source.ts'
import { Refusal } from './refusal.ts'

const ALLOWANCE = { keys: 16, values: 0, depth: 1 }
const DECIMAL = /^-?\d{1,19}$/
const MAX_TIME = 2n ** 63n - 1n

type Fields = ReadonlyMap<string, Value>

/** Decodes the gaps of a records frame, from its option `swarmlogs`; those that are none are quarantined. Throws a Refusal where the bytes end. */
export function gapsOf(option: Buffer, streams: readonly (LogStream | undefined)[], quarantine: Quarantine): Gap[] {
  const reader = new MsgpackReader(option)
  const gaps: Gap[] = []
  for (let left = reader.mapLength(); left > 0; left--) {
    if ((reader.text() as keyof RecordsOption) === 'gaps') readGaps(reader, streams, gaps, quarantine)
    else reader.skip()
  }
  return gaps
}

function readGaps(
  reader: MsgpackReader,
  streams: readonly (LogStream | undefined)[],
  gaps: Gap[],
  quarantine: Quarantine,
): void {
  const count = reader.arrayLength()
  if (count > FRAME_GAPS) quarantine('entry-count', `more than ${FRAME_GAPS} gaps in a frame`)
  for (let place = 0; place < count; place++) {
    const start = reader.position
    reader.skip()
    if (place >= FRAME_GAPS) continue
    try {
      gaps.push(gapOf(new MsgpackReader(reader.bytes, start, reader.position).value({ ...ALLOWANCE }), streams))
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      quarantine(error.reason, error.message)
    }
  }
}

function gapOf(value: Value, streams: readonly (LogStream | undefined)[]): Gap {
  if (!(value instanceof Map)) throw noGap('it is no map')
  const stream = streams[count(value, 's') ?? noGapOf('stream')]
  if (stream === undefined) throw noGap('its stream is not known')
  const [from, to] = [time(value, 'f'), time(value, 't')]
  const [atLeast = noGapOf('count'), atMost] = [count(value, 'n'), count(value, 'x')]
  const reason = GAP_REASONS.find((known) => known === value.get('r' satisfies keyof OwnGap))
  if (reason === undefined) throw noGap('its reason is not known')
  if (from > to || (atMost !== undefined && atMost < atLeast)) throw noGap('its bounds contradict each other')
  return { stream, from, to, reason, atLeast, ...(atMost !== undefined && { atMost }) }
}

function time(fields: Fields, name: keyof OwnGap): bigint {
  const text = fields.get(name)
  const value = typeof text === 'string' && DECIMAL.test(text) ? BigInt(text) : undefined
  if (value === undefined || value >= MAX_TIME || value < -MAX_TIME) throw noGap('its times are odd')
  return value
}

function count(fields: Fields, name: keyof OwnGap): number | undefined {
  const value = fields.get(name)
  if (value === undefined) return undefined
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : noGapOf(name)
}

function noGapOf(what: string): never {
  throw noGap(`its ${what} is missing or odd`)
}

function noGap(why: string): Refusal {
  return new Refusal('entry', `cannot read a gap: ${why}; check that agent and server fit together`)
}
